// Asking again and again: with a pause that grows while the broker does not answer, and not at all while nobody
// looks at the page.
import { useCallback, useEffect, useRef, useState } from 'react'
import { strings } from './strings'
import type { Gate } from './types'

/** The longest pause between attempts while they fail, in ms. */
export const longestPause = 10_000

/** The pause before the next attempt in ms, after so many failures in a row; random is in [0, 1). */
export function pauseAfter(failures: number, period: number, random: number): number {
  if (failures === 0) return period
  const grown = Math.min(longestPause, period * 2 ** failures)
  return grown / 2 + (grown / 2) * random
}

/** Whether somebody looks, and a call when that begins. */
export interface Sight {
  readonly hidden: () => boolean
  readonly onVisible: (then: () => void) => () => void
}

const pageSight: Sight = {
  hidden: () => document.hidden,
  onVisible: (then) => {
    const changed = (): void => {
      if (!document.hidden) then()
    }
    document.addEventListener('visibilitychange', changed)
    return () => document.removeEventListener('visibilitychange', changed)
  },
}

/** Asks one thing after the other: never two at once. */
export class Poller {
  #timer: ReturnType<typeof setTimeout> | undefined
  #asking = false
  #again = false
  #stopped = false
  #failures = 0
  readonly #off: () => void

  /** ask must not throw but tell whether it went well. */
  constructor(
    private readonly ask: () => Promise<boolean>,
    private readonly period: number,
    private readonly sight: Sight = pageSight,
  ) {
    this.#off = sight.onVisible(() => this.now())
  }

  /** Asks at once, or right after the answer that is awaited. */
  now(): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    if (this.#asking) {
      this.#again = true
      return
    }
    this.#asking = true
    void this.ask().then((well) => {
      this.#asking = false
      this.#failures = well ? 0 : this.#failures + 1
      if (this.#again) {
        this.#again = false
        this.now()
      } else if (!this.#stopped) this.#wait()
    })
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      if (!this.sight.hidden()) this.now() // else becoming visible goes on
    }, pauseAfter(this.#failures, this.period, Math.random()))
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#off()
  }
}

/** What is known, and why no more. */
export interface Asked<T> {
  readonly value: T | undefined
  readonly error: string | undefined
  /** The status of the refusal, where there is one. */
  readonly status: number | undefined
  readonly reload: () => void
}

/** A failure's words and status. */
export function failureOf(error: unknown): { error: string; status: number | undefined } {
  const e = error as { reason?: unknown; message?: unknown; status?: unknown; code?: unknown }
  if (e?.code === 'network') return { error: strings.offline, status: undefined }
  const text = typeof e?.reason === 'string' ? e.reason : typeof e?.message === 'string' ? e.message : String(error)
  return { error: text, status: typeof e?.status === 'number' ? e.status : undefined }
}

/** Asks for a path every so many ms; without a path not at all. What was known stays while asking fails. */
export function usePoll<T>(gate: Gate, path: string | undefined, period: number): Asked<T> {
  const [answer, setAnswer] = useState<{ path: string | undefined; value?: T; error?: string; status?: number | undefined }>({ path })
  const poller = useRef<Poller>(undefined)
  useEffect(() => {
    if (path === undefined) return
    let over = false
    const made = new Poller(async () => {
      try {
        const value = await gate.request<T>('GET', path)
        if (!over) setAnswer({ path, value })
        return true
      } catch (error) {
        if (!over) setAnswer((a) => ({ ...(a.path === path ? a : { path }), ...failureOf(error) }))
        return false
      }
    }, period)
    poller.current = made
    made.now()
    return () => {
      over = true
      made.stop()
    }
  }, [gate, path, period])
  const reload = useCallback(() => poller.current?.now(), [])
  const same = answer.path === path
  return {
    value: same ? answer.value : undefined,
    error: same ? answer.error : undefined,
    status: same ? answer.status : undefined,
    reload,
  }
}

/** Says something to the broker once: whether that is going on, and why it failed. */
export function useAct(): { busy: boolean; error: string | undefined; act: (what: () => Promise<unknown>, then?: () => void) => void } {
  const [state, setState] = useState<{ busy: boolean; error?: string }>({ busy: false })
  const act = useCallback((what: () => Promise<unknown>, then?: () => void): void => {
    setState({ busy: true })
    what().then(
      () => {
        setState({ busy: false })
        then?.()
      },
      (error: unknown) => setState({ busy: false, error: failureOf(error).error }),
    )
  }, [])
  return { busy: state.busy, error: state.error, act }
}
