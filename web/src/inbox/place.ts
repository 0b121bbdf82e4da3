// Where a notification leads. Pure.
import type { Notification } from '@fitmq/client'
import { hrefOf } from '../route'
import { isId } from '../ticket'

/** The hash of what a notification is about; undefined where it names nothing that has a place. */
export function placeOf(n: Pick<Notification, 'kind' | 'data'>): string | undefined {
  const data = typeof n.data === 'object' && n.data !== null ? (n.data as Record<string, unknown>) : {}
  const id = (name: string): string | undefined => {
    const value = data[name]
    return typeof value === 'string' && isId(value) ? value : undefined
  }
  const challenge = id('challengeId')
  if (challenge !== undefined) return hrefOf('challenges', [challenge])
  const session = id('sessionId')
  if (session !== undefined) return hrefOf(n.kind === 'training' || data['kind'] === 'training' ? 'training' : 'live', [session])
  return n.kind === 'match' ? hrefOf('partners') : undefined
}
