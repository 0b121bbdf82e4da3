import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FitmqError } from '../src/errors.js'
import { Hub } from '../src/hub.js'
import { FakeWay } from './fake.js'

let hub: Hub
let way: FakeWay
beforeEach(() => {
  vi.useFakeTimers()
  hub = new Hub((t) => t.replace('{me}', 'ana'))
  way = new FakeWay('websocket')
})
afterEach(() => {
  hub.clear()
  expect(vi.getTimerCount(), 'timers left').toBe(0)
  vi.useRealTimers()
})
const message = (topic: string, payload: unknown, more: Partial<{ qos: number; retain: boolean }> = {}) => ({
  topic,
  payload: payload === '' ? '' : JSON.stringify(payload),
  qos: 1,
  retain: false,
  ...more,
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('Hub', () => {
  test('OK: one subscription for all who hold a filter, given up after the last', async () => {
    const a = hub.hold('session/s/#')
    const b = hub.hold('session/s/#')
    await hub.attach(way)
    await Promise.all([a.ready, b.ready])
    expect(way.wanted).toEqual([{ filter: 'session/s/#', fresh: true }])
    a.release()
    a.release()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(way.unwanted).toEqual([])
    b.release()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(way.unwanted).toEqual(['session/s/#'])
  })

  test('OK: who is mounted anew at once has not left', async () => {
    await hub.attach(way)
    hub.hold('session/s/#').release()
    hub.hold('session/s/#')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(way.wanted).toHaveLength(1)
    expect(way.unwanted).toEqual([])
  })

  test('OK: subscribed again on each way, with retained messages only the first time', async () => {
    hub.hold('user/{me}/#')
    await hub.attach(way)
    hub.detach()
    const next = new FakeWay('sse')
    await hub.attach(next)
    expect(way.wanted).toEqual([{ filter: 'user/ana/#', fresh: true }])
    expect(next.wanted).toEqual([{ filter: 'user/ana/#', fresh: false }])
  })

  test('OK: a repeat is heard once, whichever way it comes', () => {
    const heard = vi.fn()
    hub.listen('user/ana/chat/+', heard)
    const m = { messageId: 'm1', content: 'Hi', seq: 1 }
    hub.receive(message('user/ana/chat/ana.ben', m))
    hub.receive({ ...message('user/ana/chat/ana.ben', m), payload: JSON.stringify(m, null, 2) })
    hub.receive(message('user/ana/chat/ana.ben', { ...m, messageId: 'm2', seq: 2 }))
    expect(heard).toHaveBeenCalledTimes(2)
  })

  test('OK: a state that returns to what it was is heard again: unread, read, unread, read', async () => {
    const heard: unknown[] = []
    hub.listen('user/{me}/unread', (m) => heard.push(m.payload))
    hub.receive(message('user/ana/unread', { notifications: 0 }, { retain: true }))
    for (const notifications of [1, 0, 1, 0]) hub.receive(message('user/ana/unread', { notifications }))
    await settle()
    expect(heard).toEqual([0, 1, 0, 1, 0].map((notifications) => ({ notifications })))
    const later = vi.fn()
    hub.listen('user/ana/unread', later)
    await settle()
    expect(later.mock.calls.map(([m]) => (m as { payload: unknown }).payload)).toEqual([{ notifications: 0 }])
  })

  test('OK: equal messages of topics of one own are all heard', () => {
    const heard = vi.fn()
    hub.listen('lamp/#', heard)
    hub.receive(message('lamp/1', 'on'))
    hub.receive(message('lamp/1', 'on'))
    expect(heard).toHaveBeenCalledTimes(2)
  })

  test('OK: who listens later gets the newest state, once, and nothing that is gone', async () => {
    hub.receive(message('session/s/leaderboard', { revision: 1 }, { retain: true }))
    hub.receive(message('session/s/leaderboard', { revision: 2 }))
    hub.receive(message('session/s/progress/ben', { seq: 1 }))
    hub.receive(message('session/s/progress/ben', '', { retain: true }))
    hub.receive(message('session/s/events', { type: 'session-started' }))
    const heard = vi.fn()
    hub.listen('session/s/#', heard)
    await settle()
    expect(heard.mock.calls.map(([m]) => (m as { payload: unknown }).payload)).toEqual([{ revision: 2 }])
  })

  test('OK: what nobody holds any more is forgotten', async () => {
    await hub.attach(way)
    const held = hub.hold('session/s/#')
    hub.receive(message('session/s/info', { title: 'old' }, { retain: true }))
    held.release()
    await vi.advanceTimersByTimeAsync(1_000)
    const heard = vi.fn()
    hub.listen('session/s/info', heard)
    await settle()
    expect(heard).not.toHaveBeenCalled()
  })

  test('OK: a listener that fails does not keep the others from hearing', () => {
    const thrown: unknown[] = []
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((fn) => {
      try {
        fn()
      } catch (error) {
        thrown.push(error)
      }
    })
    const heard = vi.fn()
    hub.listen('a', () => {
      throw new Error('mine')
    })
    hub.listen('a', heard)
    hub.receive(message('a', 1))
    later.mockRestore()
    expect(heard).toHaveBeenCalledOnce()
    expect(thrown).toMatchObject([{ message: 'mine' }])
  })

  test('ErrForbidden: a right that ends is asked for again, and told when it is gone', async () => {
    const refused = vi.fn()
    hub.refused.on(refused)
    hub.hold('session/s/#')
    await hub.attach(way)
    expect(hub.recheck('session/other/#')).toBe(false)
    expect(hub.recheck('session/s/#')).toBe(true) // another client's: ours goes on, with what is retained
    await settle()
    expect(way.wanted).toEqual([{ filter: 'session/s/#', fresh: true }, { filter: 'session/s/#', fresh: true }])
    expect(refused).not.toHaveBeenCalled()
    way.refuse.set('session/s/#', new FitmqError('forbidden', 'removed', { topic: 'session/s/#' }))
    expect(hub.recheck('session/s/#')).toBe(true)
    await settle()
    expect(refused).toHaveBeenCalledOnce()
    expect(hub.recheck('session/s/#'), 'once').toBe(false)
    hub.hold('session/s/#').release()
    await vi.advanceTimersByTimeAsync(1_000)
  })

  test('ErrForbidden: a refusal is told to who holds and to who asks for refusals, and asked again by the next', async () => {
    const refused = vi.fn()
    hub.refused.on(refused)
    await hub.attach(way)
    way.refuse.set('session/s/#', new FitmqError('forbidden', 'not a member', { topic: 'session/s/#' }))
    await expect(hub.hold('session/s/#').ready).rejects.toMatchObject({ code: 'forbidden' })
    expect(refused).toHaveBeenCalledOnce()
    way.refuse.clear()
    await hub.hold('session/s/#').ready
  })
})
