import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { gym, type Broker } from '../../test/broker.js'
import { client, next } from './people.js'

let broker: Broker
beforeAll(async () => {
  broker = await gym()
})
afterAll(() => broker.stop())
afterEach(() => vi.unstubAllGlobals())

/** A tab's storage: one that is copied with the tab. */
function tab(content: Iterable<[string, string]> = []): Map<string, string> {
  const kept = new Map(content)
  vi.stubGlobal('sessionStorage', { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => kept.set(k, v) })
  return kept
}

/** Who is connected as the user, by client id. */
const idOf = (kept: Map<string, string>): string => kept.get('fitmq:client:ana') ?? ''

describe('tabs', () => {
  test('OK: three tabs of one user all hear everything, and are one participant', async () => {
    const tabs = [client(broker.url, 'ana'), client(broker.url, 'ana'), client(broker.url, 'ana')]
    const sessions = tabs.map((t) => t.joinSession('track'))
    await Promise.all(sessions.map((s) => s.ready))
    const heard = tabs.map((t) => next(t.conversation({ with: 'tess' }).onMessage.bind(t.conversation({ with: 'tess' }))))
    await tabs[0]?.sendMessage({ recipientId: 'tess', content: 'From one' })
    expect((await Promise.all(heard)).map((m) => m.content)).toEqual(['From one', 'From one', 'From one'])
    for (const s of sessions) await expect.poll(() => s.state.get().participants.map((p) => p.userId)).toEqual(['ana'])
  })

  test('OK: a copied tab: both stay connected, each with an id of its own', async () => {
    const first = tab()
    const original = client(broker.url, 'ana')
    await original.connected()
    const second = tab(first)
    const lost = next(original.onStatus.bind(original), (s) => s.state !== 'connected')
    const copy = client(broker.url, 'ana')
    await Promise.all([copy.connected(), lost]) // without locks the copy takes the id, and the original hears of it
    await original.connected()
    expect(copy.status.state).toBe('connected')
    const heard = [original, copy].map((t) => next(t.onReceipt.bind(t), (r) => r.state === 'stored'))
    await copy.sendMessage({ recipientId: 'tess', content: 'Twice?' })
    await Promise.all(heard)
    expect(idOf(first)).not.toBe('')
    expect(second.size).toBeGreaterThan(0)
  })

  test('OK: a tab that can note nothing connects all the same', async () => {
    vi.stubGlobal('sessionStorage', {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError')
      },
    })
    const full = client(broker.url, 'ana')
    await full.joinSession('track').ready
    expect(full.status.state).toBe('connected')
  })

  test('OK: a reload keeps the id and what waits, and leaves the workout that the new page does not join', async () => {
    const host = client(broker.url, 'tess').joinSession('legs')
    await host.ready
    const left = next(host.onParticipantLeft.bind(host), (e) => e.userId === 'ana')
    const kept = tab()
    const before = client(broker.url, 'ana')
    await before.joinSession('legs').ready
    const id = idOf(kept)
    await before.close({ keepSession: true }) // as a reload does
    const after = client(broker.url, 'ana')
    await after.connected()
    expect(idOf(kept)).toBe(id)
    expect(await left).toMatchObject({ type: 'participant-left', userId: 'ana' })
    expect(after.status.state, 'it is connected all the while').toBe('connected')
  })
})
