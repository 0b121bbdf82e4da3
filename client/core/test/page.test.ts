// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Emitter } from '../src/emitter.js'
import { connect } from '../src/index.js'
import { announce, pageWantsLog, watchPage } from '../src/page.js'

afterEach(() => {
  vi.restoreAllMocks()
  localStorage.clear()
})

const received = (payload: unknown, more = {}) => ({ topic: 'user/ana/chat/ana.ben', kind: 'userChat' as const, ids: ['ana', 'ana.ben'], payload, qos: 1, retain: false, ...more })

/** What listeners of ws-message hear while something is done. */
function heard(what: () => void): unknown[] {
  const details: unknown[] = []
  const listen = (e: Event): void => void details.push((e as CustomEvent).detail)
  window.addEventListener('ws-message', listen)
  what()
  window.removeEventListener('ws-message', listen)
  return details
}

describe('ws-message', () => {
  test("OK: a message is the detail as it came: the seed's shape", () => {
    const m = { type: 'chat', content: 'Hi', senderId: '7', recipientId: '9', timestamp: '2026-01-01T00:00:00Z', messageId: 'm1', mood: ':-)' }
    expect(heard(() => announce(received(m)))).toEqual([m])
    const n = { ...m, type: 'notification' }
    expect(heard(() => announce(received(n)))).toEqual([n])
  })

  test('OK: anything else has its kind, topic and data', () => {
    const board = { revision: 1, entries: [] }
    const m = received(board, { topic: 'challenge/june/leaderboard', kind: 'challengeLeaderboard' })
    expect(heard(() => announce(m))).toEqual([{ type: 'challengeLeaderboard', topic: 'challenge/june/leaderboard', data: board }])
    const event = received({ type: 'session-started', sessionId: 's' }, { topic: 'session/s/events', kind: 'sessionEvents' })
    expect(heard(() => announce(event))).toMatchObject([{ type: 'sessionEvents', data: { type: 'session-started' } }])
  })
})

describe('watchPage', () => {
  test('OK: hears the network and being looked at, until it ends', () => {
    const on = { up: vi.fn(), down: vi.fn() }
    const off = watchPage(on)
    window.dispatchEvent(new Event('offline'))
    window.dispatchEvent(new Event('online'))
    document.dispatchEvent(new Event('visibilitychange'))
    expect([on.up.mock.calls.length, on.down.mock.calls.length]).toEqual([2, 1])
    off()
    window.dispatchEvent(new Event('online'))
    window.dispatchEvent(new Event('offline'))
    expect([on.up.mock.calls.length, on.down.mock.calls.length]).toEqual([2, 1])
  })
})

describe('connect', () => {
  test('OK: close leaves no listener and no timer on the page', async () => {
    vi.useFakeTimers()
    const added = new Map<string, number>()
    for (const target of [window, document]) {
      vi.spyOn(target, 'addEventListener').mockImplementation((name) => void added.set(name, (added.get(name) ?? 0) + 1))
      vi.spyOn(target, 'removeEventListener').mockImplementation((name) => void added.set(name, (added.get(name) ?? 0) - 1))
    }
    const fit = connect({ url: 'http://127.0.0.1:9', username: 'ana', password: 'x', storage: 'memory', transports: [] })
    const session = fit.joinSession('s')
    session.updateProgress({ heartRate: 100 })
    fit.joinTraining('t')
    fit.joinChallenge('c')
    fit.conversation({ with: 'ben' }).typing()
    fit.inbox()
    fit.findPartner().search({ latitude: 52, longitude: 13, sport: 'running' })
    fit.sendMessage({ recipientId: 'ben', content: 'x' })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(fit.status).toMatchObject({ state: 'offline', waiting: 1 })
    expect([...added.values()].some((n) => n > 0)).toBe(true)
    await fit.close()
    await vi.advanceTimersByTimeAsync(0)
    expect([...added].filter(([, n]) => n !== 0)).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test('OK: what is closed leaves no listener in the client either', async () => {
    const emitters = new Set<Emitter<unknown>>()
    const count = (): number => [...emitters].reduce((sum, e) => sum + e.size, 0)
    const on = Emitter.prototype.on
    vi.spyOn(Emitter.prototype, 'on').mockImplementation(function (this: Emitter<unknown>, fn) {
      emitters.add(this)
      return on.call(this, fn)
    })
    const fit = connect({ url: 'http://127.0.0.1:9', username: 'ana', password: 'x', storage: 'memory', transports: [] })
    await Promise.resolve()
    const before = count()
    for (let i = 0; i < 3; i++) {
      const handles = [fit.joinSession('s'), fit.joinTraining('t'), fit.joinChallenge('c'), fit.conversation({ with: 'ben' }), fit.inbox(), fit.findPartner()]
      const offs = [
        fit.onStatus(() => undefined), fit.onError(() => undefined), fit.onNotification(() => undefined), fit.onAchievement(() => undefined),
        fit.onReceipt(() => undefined), fit.onUnread(() => undefined), fit.onPresence('ben', () => undefined),
      ]
      const own = fit.subscribe('lamp/#', () => undefined)
      expect(count()).toBeGreaterThan(before + 20)
      for (const off of offs) off()
      own.close()
      for (const h of handles) h.close()
      expect(count()).toBe(before)
    }
    await fit.close()
    expect(count()).toBe(0)
  })

  test('OK: WS_DEBUG logs, as a global or in localStorage', () => {
    expect(pageWantsLog()).toBe(false)
    localStorage.setItem('WS_DEBUG', 'true')
    expect(pageWantsLog()).toBe(true)
    localStorage.clear()
    vi.stubGlobal('WS_DEBUG', true)
    expect(pageWantsLog()).toBe(true)
    vi.unstubAllGlobals()
  })

  test('ErrOptions: nothing to sign in with, and an address that is none', () => {
    expect(() => connect({ url: 'http://b' })).toThrow('connect needs a token')
    expect(() => connect({ url: 'ftp://b', token: 'x' })).toThrow('ftp:')
    expect(() => connect({ url: 'nowhere', token: 'x' })).toThrow('nowhere')
  })
})
