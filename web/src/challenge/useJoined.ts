import type { ChallengeInfo, Client } from '@fitmq/client'
import { FitmqError } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useCallback, useEffect, useState } from 'react'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import type { List } from '../ui/asked'

/** Whether one takes part: not known yet; yes; not, but one sees it all, as who organizes it does; not, but one may join; no, and one may not. */
export type Part = 'asking' | 'in' | 'watching' | 'open' | 'closed'

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
    let organizes = me.role === 'admin'
    const forbidden = (error: unknown): boolean => error instanceof FitmqError && (error.code === 'forbidden' || error.code === 'not-found')
    try {
      const found = await client.request<ChallengeInfo>('GET', `/challenges/${id}`)
      organizes ||= found.organizer === me.userId
      setInfo(found)
    } catch (error) {
      return setPart(forbidden(error) ? 'closed' : 'in') // without a network the client waits for it
    }
    try {
      await client.request('GET', `/challenges/${id}/leaderboard?limit=1`)
      // Nobody else sees the board without taking part.
      setPart(organizes && !(await isListed(client, id, me.userId)) ? 'watching' : 'in')
    } catch (error) {
      setPart(forbidden(error) ? 'open' : 'in')
    }
  }, [client, id, me.role, me.userId])

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
  return { part, info, join: () => change('PUT', 'in'), leave: () => change('DELETE', after(info, me)) }
}

/** What one is after one has left. */
function after(info: ChallengeInfo | undefined, me: { userId: string; role: string }): Part {
  if (me.role === 'admin' || info?.organizer === me.userId) return 'watching'
  return info?.visibility === 'open' ? 'open' : 'closed'
}

/** Whether somebody is among the participants. */
async function isListed(client: Client, id: string, userId: string): Promise<boolean> {
  for (let next: string | undefined = ''; next !== undefined;) {
    const page: List<{ userId: string }> = await client.request('GET', `/challenges/${id}/participants?limit=1000&after=${encodeURIComponent(next)}`)
    if (page.items.some((p) => p.userId === userId)) return true
    next = page.next
  }
  return false
}
