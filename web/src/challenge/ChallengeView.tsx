import type { BoardEntry, Leaderboard, Rank } from '@fitmq/client'
import { useChallenge } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { score } from '../format'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { useNow, useTitle } from '../ui/hooks'
import { learnNames } from '../ui/names'
import { Figure } from '../ui/parts'
import { ActivityForm } from './ActivityForm'
import { Awards } from './Awards'
import { BoardTable } from './BoardTable'
import { NotIn } from './ChallengeAside'
import { PeriodChoice } from './PeriodChoice'
import { Totals } from './Totals'
import { useJoined } from './useJoined'

const t = strings.challenges

/** A challenge: for who takes part the board and all that belongs to it, for others a way in. */
export function ChallengeView({ id }: { id: string }) {
  const joined = useJoined(id)
  const title = joined.info?.title || id
  useTitle(title)
  return (
    <>
      <div className="heading">
        <div className="heading-text">
          {joined.info !== undefined && (
            <span className="state-pill" data-testid="challenge-state" data-state={joined.info.state}>{strings.challengeState[joined.info.state]}</span>
          )}
          <h1 data-testid="challenge-title">{title}</h1>
        </div>
        {joined.part === 'in' && <button type="button" className="quiet-button" onClick={joined.leave}>{strings.challenge.leave}</button>}
      </div>
      {joined.part === 'in' ? <Inside id={id} /> : <section className="panel"><NotIn joined={joined} /></section>}
    </>
  )
}

/** The neighbours with oneself between them, in their order. */
export function around(rank: Rank | undefined, me: { userId: string; name: string }): BoardEntry[] {
  if (rank === undefined || rank.rank <= 0) return []
  return [...rank.above, { rank: rank.rank, userId: rank.userId, name: me.name, score: rank.score, reachedAt: '' }, ...rank.below].sort((a, b) => a.rank - b.rank)
}

function Inside({ id }: { id: string }) {
  const challenge = useChallenge(id)
  const { info, status, leaderboard, rank, achievements, joined } = challenge
  const me = useMe()
  const now = useNow(1000)
  const [period, setPeriod] = useState('')
  const [old, setOld] = useState<Leaderboard>()
  useEffect(() => {
    setOld(undefined)
    if (period !== '') challenge.page({ period, limit: 100 }).then(setOld, () => setPeriod(''))
  }, [period])
  const board = period === '' ? leaderboard : old
  useEffect(() => {
    if (board !== undefined) learnNames(board.entries)
  }, [board])
  if (joined === 'refused') return <p className="panel notice" data-testid="challenge-denied">{strings.challenge.denied}</p>
  const unit = board?.unit ?? info?.unit ?? ''
  const listed = board?.entries.some((e) => e.userId === me.userId) ?? false
  const near = period === '' && !listed ? around(rank, me) : []
  return (
    <div className="columns">
      <section className="panel challenge" aria-labelledby="board-title" data-testid="challenge" data-revision={board?.revision}>
        <div className="panel-head">
          <h2 id="board-title">{t.board}</h2>
          {info?.period !== undefined && <PeriodChoice id={id} period={period} onChange={setPeriod} />}
        </div>
        {rank !== undefined && rank.rank > 0 && period === '' && (
          <p className="my-rank pinned" data-testid="my-rank" data-rank={rank.rank} data-score={rank.score}>
            <span className="tag">{strings.roles.you}</span>
            {strings.challenge.myRank(rank.rank, rank.total)}
            <Figure measure={score(rank.score, unit)} />
          </p>
        )}
        {board === undefined ? <p className="empty" role="status">{strings.loading}</p> : <BoardTable entries={board.entries} unit={unit} me={me.userId} />}
        {near.length > 0 && (
          <>
            <h3 className="board-part">{t.around}</h3>
            <BoardTable entries={near} unit={unit} me={me.userId} />
          </>
        )}
        {board !== undefined && board.total > board.entries.length && <p className="fine">{strings.challenge.shown(board.entries.length, board.total)}</p>}
        {board?.teams !== undefined && board.teams.length > 0 && (
          <>
            <h3 className="board-part">{t.teams}</h3>
            <BoardTable entries={board.teams.map((x) => ({ ...x, userId: x.teamId }))} unit={unit} me={rank?.team?.teamId ?? ''} />
          </>
        )}
      </section>
      <div className="column-aside">
        <section className="panel" aria-label={strings.challenge.title}><Totals info={info} status={status} now={now} mine={rank?.score} /></section>
        <ActivityForm submit={challenge.submitActivity} sports={info?.sports} />
        <Awards list={achievements} now={now} />
      </div>
    </div>
  )
}
