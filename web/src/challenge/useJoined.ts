import type { ChallengeInfo } from '@fitmq/client'
import { FitmqError } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useCallback, useEffect, useState } from 'react'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'

/** Whether one takes part: not known yet; yes; not, but one may join; no, and one may not. */
export type Part = 'asking' | 'in' | 'open' | 'closed'

export interface Joined {
  readonly part: Part
  /** The definition, where one may see it. */
  readonly info: ChallengeInfo | undefined
  join(): void
  leave(): void
}

/** Whether one takes part in a challenge, without joining it by looking. */
export function useJoined(id: string): Joined {
  const client = useFitmq()
  const me = useMe()
  const tell = useTell()
  const [part, setPart] = useState<Part>('asking')
  const [info, setInfo] = useState<ChallengeInfo>()

  const look = useCallback(async (): Promise<void> => {
    const forbidden = (error: unknown): boolean => error instanceof FitmqError && (error.code === 'forbidden' || error.code === 'not-found')
    try {
      setInfo(await client.request<ChallengeInfo>('GET', `/challenges/${id}`))
    } catch (error) {
      return setPart(forbidden(error) ? 'closed' : 'in') // without a network the client waits for it
    }
    try {
      await client.request('GET', `/challenges/${id}/leaderboard?limit=1`)
      setPart('in')
    } catch (error) {
      setPart(forbidden(error) ? 'open' : 'in')
    }
  }, [client, id])

  useEffect(() => {
    setPart('asking')
    void look()
  }, [look])

  const change = useCallback((method: 'PUT' | 'DELETE', next: Part): void => {
    client.request(method, `/challenges/${id}/participants/${me.userId}`, method === 'PUT' ? {} : undefined).then(
      () => setPart(next),
      (error: unknown) => tell(wordsOf(error)),
    )
  }, [client, id, me.userId, tell])
  return { part, info, join: () => change('PUT', 'in'), leave: () => change('DELETE', info?.visibility === 'open' ? 'open' : 'closed') }
}
