import { useFitmq } from '@fitmq/react'
import { useCallback, useEffect, useState } from 'react'
import { wordsOf } from '../shell/Notices'

/** What REST answers: what is known, why asking failed, and how to ask again. */
export interface Asked<T> {
  readonly value: T | undefined
  readonly error: string | undefined
  readonly reload: () => void
}

/** Asks REST for something, again with every new connection; what was known stays while that is going on. */
export function useAsked<T>(path: string | undefined): Asked<T> {
  const client = useFitmq()
  const [round, setRound] = useState(0)
  const [answer, setAnswer] = useState<{ path: string | undefined; value?: T; error?: string }>({ path })
  const reload = useCallback(() => setRound((n) => n + 1), [])
  useEffect(() => {
    let before = client.status.state
    return client.onStatus(({ state }) => {
      if (state === 'connected' && before !== 'connected') reload()
      before = state
    })
  }, [client, reload])
  useEffect(() => {
    if (path === undefined) return
    let over = false
    client.request<T>('GET', path).then(
      (value) => over || setAnswer({ path, value }),
      (error: unknown) => over || setAnswer((a) => ({ ...(a.path === path ? a : { path }), error: wordsOf(error) })),
    )
    return () => {
      over = true
    }
  }, [client, path, round])
  const same = answer.path === path
  return { value: same ? answer.value : undefined, error: same ? answer.error : undefined, reload }
}

/** A page of a REST list. */
export interface List<T> {
  readonly items: readonly T[]
  readonly next?: string
}
