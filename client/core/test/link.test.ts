import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Credentials, type SignIn } from '../src/credentials.js'
import { FitmqError, fromMqtt } from '../src/errors.js'
import { Link } from '../src/link.js'
import { ClientIds } from '../src/tab.js'
import { FakeNet, tokenFor } from './fake.js'

const down = (): FitmqError => new FitmqError('network', 'blocked')

class Rig {
  readonly net = new FakeNet()
  readonly log: string[] = []
  readonly over: FitmqError[] = []
  readonly failed: FitmqError[] = []
  readonly ids: ClientIds
  readonly link: Link

  constructor(signIn: SignIn = { username: 'ana', password: 'x' }, clientId?: string) {
    this.ids = new ClientIds(clientId, undefined)
    this.link = new Link({
      base: 'http://b',
      socket: 'ws://b/mqtt',
      sessionExpiry: 60,
      connectTimeout: 1000,
      ways: this.net.openers,
      credentials: new Credentials(signIn),
      ids: this.ids,
      filters: () => [],
      attach: (way) => this.log.push(`+${way.name}`),
      detach: (handover) => this.log.push(handover ? 'to' : '-'),
      message: () => undefined,
      failed: (e) => this.failed.push(e),
      over: (e) => this.over.push(e),
      log: () => undefined,
    })
    this.link.start()
  }
}

let rig: Rig
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(async () => {
  await rig.link.close(true)
  expect(vi.getTimerCount(), 'timers left after close').toBe(0)
  vi.useRealTimers()
  vi.restoreAllMocks()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('Link', () => {
  test('OK: waits grow with full jitter, from half a second to twenty', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    rig = new Rig()
    rig.net.verdict = { websocket: down, sse: down }
    await vi.advanceTimersByTimeAsync(120_000)
    const at = rig.net.attempts.filter((a) => a.name === 'websocket').map((a) => a.at)
    const waits = at.slice(1).map((t, i) => t - (at[i] ?? 0))
    expect(waits.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000])
    random.mockReturnValue(0)
    await vi.advanceTimersByTimeAsync(20_000)
    const before = rig.net.attempts.length
    rig.net.verdict = { websocket: () => undefined, sse: down }
    await vi.advanceTimersByTimeAsync(1) // a random share may be nothing at all
    expect(rig.net.attempts.length).toBeGreaterThan(before)
    expect(rig.log).toEqual(['+websocket'])
  })

  test('OK: hurry tries at once', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    rig = new Rig()
    rig.net.verdict = { websocket: down, sse: down }
    await vi.advanceTimersByTimeAsync(60_000)
    rig.net.verdict.websocket = () => undefined
    rig.link.hurry()
    await settle()
    expect(rig.log).toEqual(['+websocket'])
  })

  test('OK: hurry looks after a way that is in use, which may have died in a sleep', async () => {
    rig = new Rig()
    await settle()
    rig.link.hurry()
    expect(rig.net.last.checks).toBe(1)
    rig.net.last.lose()
    await vi.advanceTimersByTimeAsync(500)
    expect(rig.log).toEqual(['+websocket', '-', '+websocket'])
  })

  test('OK: WebSocket blocked from the start: SSE, and WebSocket as soon as it can be had', async () => {
    rig = new Rig()
    rig.net.verdict.websocket = down
    await settle()
    expect(rig.log).toEqual(['+sse'])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(rig.log).toEqual(['+sse'])
    expect(rig.net.attempts.filter((a) => a.name === 'websocket').length).toBeGreaterThan(2)
    rig.net.verdict.websocket = () => undefined
    await vi.advanceTimersByTimeAsync(60_000)
    expect(rig.log).toEqual(['+sse', 'to', '+websocket'])
    expect(rig.net.ways[0]).toMatchObject({ name: 'sse', ended: true, forgotten: false })
    const ids = new Set(rig.net.attempts.map((a) => a.opening.clientId))
    expect(ids.size, 'one session for both ways').toBe(1)
  })

  test('OK: WebSocket blocked in mid-session: SSE', async () => {
    rig = new Rig()
    await settle()
    rig.net.verdict.websocket = down
    rig.net.last.lose()
    await vi.advanceTimersByTimeAsync(500)
    expect(rig.log).toEqual(['+websocket', '-', '+sse'])
    rig.net.last.lose()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(rig.log.slice(3)).toEqual(['-', '+sse'])
  })

  test('OK: a WebSocket that is let through and cut again and again is not the first choice any more', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    rig = new Rig()
    await settle()
    for (let i = 0; i < 3; i++) {
      rig.net.last.lose()
      await vi.advanceTimersByTimeAsync(2_000)
    }
    expect(rig.log.filter((l) => l !== '-')).toEqual(['+websocket', '+websocket', '+websocket', '+sse'])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(rig.log.at(-1), 'another try').toBe('+websocket')
    rig.net.last.lose()
    await vi.advanceTimersByTimeAsync(8_000)
    expect(rig.log.filter((l) => l.startsWith('+')).slice(4, 6)).toEqual(['+websocket', '+sse'])
  })

  test('OK: a token is renewed before it expires', async () => {
    let n = 0
    rig = new Rig({ getToken: () => tokenFor('ana', 600 + n++) })
    await settle()
    await vi.advanceTimersByTimeAsync(470_000)
    expect(rig.net.last.renewed).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(rig.net.last.renewed).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(rig.net.last.renewed.length).toBeGreaterThan(1)
    expect(rig.log).toEqual(['+websocket'])
  })

  test('OK: a token of a few seconds is renewed in the middle of its life', async () => {
    const getToken = vi.fn(() => tokenFor('ana', 8))
    rig = new Rig({ getToken })
    await settle()
    await vi.advanceTimersByTimeAsync(16_200)
    expect(getToken).toHaveBeenCalledTimes(5)
  })

  test('OK: a backend that gives out old tokens is asked when the broker says so, not all the time', async () => {
    const getToken = vi.fn(() => tokenFor('ana', -5))
    rig = new Rig({ getToken })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(getToken).toHaveBeenCalledTimes(1)
    rig.net.last.lose(fromMqtt(0x87), true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(getToken).toHaveBeenCalledTimes(2)
    expect(rig.log).toEqual(['+websocket', '-', '+websocket'])
  })

  test('OK: a getToken that fails is asked again', async () => {
    let works = true
    const getToken = vi.fn(() => (works ? tokenFor('ana', 600) : Promise.reject(new Error('backend down'))))
    rig = new Rig({ getToken })
    await settle()
    works = false
    await vi.advanceTimersByTimeAsync(500_000)
    expect(rig.failed.at(-1)).toMatchObject({ code: 'network', reason: 'getToken: backend down' })
    works = true
    await vi.advanceTimersByTimeAsync(10_000)
    expect(rig.net.last.renewed).toHaveLength(1)
  })

  test('OK: signed out by the broker (0x87): a fresh token at once', async () => {
    const getToken = vi.fn(() => tokenFor('ana', 600))
    rig = new Rig({ getToken })
    await settle()
    rig.net.last.lose(fromMqtt(0x87), true)
    await vi.advanceTimersByTimeAsync(500)
    expect(getToken).toHaveBeenCalledTimes(2)
    expect(rig.log).toEqual(['+websocket', '-', '+websocket'])
  })

  test('ErrSignIn: a password that is refused ends it, a token only when a fresh one is refused too', async () => {
    rig = new Rig()
    rig.net.verdict.websocket = () => fromMqtt(0x86)
    await settle()
    expect(rig.over).toMatchObject([{ code: 'sign-in', mqtt: 0x86 }])
    expect(rig.net.attempts).toHaveLength(1)

    const getToken = vi.fn(() => tokenFor('ana', 600))
    rig = new Rig({ getToken })
    rig.net.verdict.websocket = () => fromMqtt(0x86)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(getToken).toHaveBeenCalledTimes(2)
    expect(rig.over).toHaveLength(1)
  })

  test('OK: a copied tab takes an id of its own', async () => {
    rig = new Rig()
    await settle()
    rig.net.last.lose(fromMqtt(0x8e), true)
    await vi.advanceTimersByTimeAsync(500)
    const ids = rig.net.attempts.map((a) => a.opening.clientId)
    expect(new Set(ids).size).toBe(2)
  })

  test('ErrClientID: an id that the application has chosen is given up when it is taken over', async () => {
    rig = new Rig(undefined, 'kiosk')
    await settle()
    rig.net.last.lose(fromMqtt(0x8e), true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(rig.over).toMatchObject([{ code: 'client-id' }])
    expect(rig.net.attempts).toHaveLength(1)
  })
})
