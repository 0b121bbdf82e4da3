// The broker of the browser's tests, with people in it.
import { Broker } from '../../tests/browser/broker.js'

export { Broker, root, until } from '../../tests/browser/broker.js'
export type { Addresses } from '../../tests/browser/broker.js'

/** A broker with a few people in it: ana and ben, members; tess, who trains ana; session track, challenge june. */
export async function gym(): Promise<Broker> {
  const broker = await Broker.start()
  for (const [id, role] of [['ana', 'member'], ['ben', 'member'], ['tess', 'trainer'], ['7', 'member']] as const) {
    await broker.api('PUT', `/users/${id}`, { name: id, role, password: `${id}-secret` })
  }
  await broker.api('PUT', '/links/tess/ana', {})
  await broker.api('PUT', '/links/tess/7', {})
  await broker.api('PUT', '/sessions/track', { kind: 'workout', title: 'Track', host: 'ana', visibility: 'open' })
  await broker.api('PUT', '/sessions/legs', { kind: 'training', title: 'Legs', host: 'tess', trainer: 'tess', visibility: 'open' })
  await broker.api('PUT', '/sessions/closed', { kind: 'workout', title: 'Closed', host: 'ben', visibility: 'invite' })
  const day = 24 * 3600 * 1000
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString()
  const challenge = { organizer: 'tess', metric: 'distance', startsAt: at(-day), endsAt: at(day), awards: [{ threshold: 1000 }] }
  await broker.api('PUT', '/challenges/june', { ...challenge, title: 'June', visibility: 'open' })
  await broker.api('PUT', '/challenges/secret', { ...challenge, title: 'Secret', visibility: 'invite' })
  return broker
}
