import { FitmqError, type Leaderboard } from '@fitmq/client'
import type { UseChallenge } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { useTell, wordsOf } from '../shell/Notices'

/** What part of the board is looked at. */
export type BoardView = 'top' | 'around' | 'teams'

/** Rows that are asked for at once, and around oneself. */
const step = 50
const aroundRows = 11
/** How often what is asked for is asked for again while the board moves, in ms. */
const again = 2_000

/**
 * The board as it is looked at: the top of the present one comes by itself; around oneself, further down and of older
 * periods is asked for, and again when the board has moved.
 */
export function useBoard(challenge: UseChallenge, view: BoardView, period: string, me: string): { board: Leaderboard | undefined; more: () => void } {
  const tell = useTell()
  const { leaderboard } = challenge
  const [rows, setRows] = useState(0)
  const [asked, setAsked] = useState<{ key: string; board: Leaderboard }>()
  const key = `${view === 'around' ? 'around' : rows} ${period}`
  const needed = view === 'around' || rows > 0 || period !== ''
  // A revision that is rounded in time: many changes in a second are one question.
  const [turn, setTurn] = useState(0)
  const revision = period === '' ? leaderboard?.revision : 0
  useEffect(() => {
    if (!needed) return
    const timer = setTimeout(() => setTurn((n) => n + 1), again)
    return () => clearTimeout(timer)
  }, [needed, revision])
  useEffect(() => setRows(0), [view, period])
  useEffect(() => {
    if (!needed || challenge.challenge === undefined) return
    let over = false
    const query = { ...(view === 'around' ? { around: me, limit: aroundRows } : { limit: Math.max(rows, step) }), ...(period === '' ? {} : { period }) }
    challenge.page(query).then((board) => over || setAsked({ key, board }), (error: unknown) => {
      if (over) return
      // Who has no score yet has no place to look around.
      if (error instanceof FitmqError && error.code === 'not-found') setAsked({ key, board: { revision: 0, metric: '', unit: '', total: 0, entries: [] } })
      else tell(wordsOf(error))
    })
    return () => {
      over = true
    }
  }, [needed, key, turn, challenge.challenge, me])
  const board = needed ? (asked?.key === key ? asked.board : undefined) : leaderboard
  // While more is asked for, what is known stays.
  const shown = board ?? (view === 'top' && rows > 0 ? (asked?.board ?? leaderboard) : undefined)
  return { board: shown, more: () => setRows(Math.max(rows, shown?.entries.length ?? 0) + step) }
}
