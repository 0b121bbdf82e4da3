import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { gym, type Broker } from '../../test/broker.js'
import { Proxy } from '../../test/proxy.js'
import type { Client, FitmqError, LiveSample } from '../src/index.js'
import { client, next, reached } from './people.js'

let broker: Broker
let net: Proxy
beforeAll(async () => {
  broker = await gym()
})
afterAll(() => broker.stop())
beforeEach(async () => {
  net = await Proxy.start(broker.url)
})
afterEach(() => net.stop())

const by = (c: Client, transport: string): Promise<unknown> =>
  c.transport === transport ? Promise.resolve() : next(c.onStatus.bind(c), (s) => s.transport === transport)

/** Sends 1, 2, 3... to the session's chat until told to stop, and says what the other one has heard. */
function counting(from: Client, to: Client): { stop(): Promise<string[]>; heard: string[] } {
  const heard: string[] = []
  to.joinSession('track').onMessage((m) => heard.push(m.content ?? ''))
  const session = from.joinSession('track')
  const sent: Promise<unknown>[] = []
  const timer = setInterval(() => sent.push(session.sendChat(String(sent.length + 1)).stored), 250)
  return {
    heard,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(sent)
      const all = sent.map((_, i) => String(i + 1))
      await expect.poll(() => heard.length).toBeGreaterThanOrEqual(all.length)
      return all
    },
  }
}

describe('fallback', () => {
  test('OK: WebSocket blocked from the start: everything works, and WebSocket is used as soon as it can be', async () => {
    net.blockWebSocket()
    const ana = client(net.url, 'ana')
    await ana.connected()
    expect(ana.transport).toBe('sse')
    const session = ana.joinSession('track')
    await session.ready
    session.updateProgress({ heartRate: 131, distance: 50 })
    const seen = next<LiveSample & { userId: string }>((fn) => client(broker.url, 'ben').joinSession('track').onProgress(fn), (s) => s.userId === 'ana')
    expect(await seen).toMatchObject({ heartRate: 131 })
    await reached(session.state, (s) => s.participants.length === 2 && s.leaderboard?.entries.length === 1)

    const challenge = ana.joinChallenge('june')
    await challenge.ready
    await expect(challenge.submitActivity({ sport: 'running', startTime: '2026-01-01T00:00:00Z', totalElapsedTime: 1e9 })).rejects.toMatchObject({ code: 'invalid', status: 422 })
    await expect(ana.joinSession('closed').ready).rejects.toMatchObject({ code: 'forbidden' })

    net.allowWebSocket()
    ana.reconnect()
    await by(ana, 'websocket')
    const heard = next(session.onMessage.bind(session))
    await session.sendChat('back')
    expect(await heard).toMatchObject({ content: 'back', senderId: 'ana' })
    expect(session.state.get().participants).toHaveLength(2)
  })

  test('OK: blocked in mid-session and let through again: nothing lost, nothing twice, in order', async () => {
    const [ana, ben] = [client(net.url, 'ana'), client(net.url, 'ben')]
    const count = counting(ana, ben)
    await Promise.all([ana.connected(), ben.connected()])
    await expect.poll(() => count.heard.length).toBeGreaterThan(2)
    net.blockWebSocket()
    await Promise.all([by(ana, 'sse'), by(ben, 'sse')])
    await expect.poll(() => count.heard.length).toBeGreaterThan(8)
    net.allowWebSocket()
    for (const c of [ana, ben]) c.reconnect()
    await Promise.all([by(ana, 'websocket'), by(ben, 'websocket')])
    const before = count.heard.length
    await expect.poll(() => count.heard.length).toBeGreaterThan(before + 2)
    const all = await count.stop()
    expect(count.heard).toEqual(all)
  })

  test('OK: the network is cut: nothing lost, order kept', async () => {
    const [ana, ben] = [client(net.url, 'ana'), client(net.url, 'ben')]
    const count = counting(ana, ben)
    await Promise.all([ana.connected(), ben.connected()])
    await expect.poll(() => count.heard.length).toBeGreaterThan(1)
    net.cut()
    await Promise.all([by(ana, 'offline'), by(ben, 'offline')])
    await expect.poll(() => ana.status.waiting).toBeGreaterThan(5)
    net.mend()
    const all = await count.stop()
    expect(count.heard).toEqual(all)
  })

  test('OK: the broker is killed and started again: nothing lost, order kept', async () => {
    const [ana, ben] = [client(net.url, 'ana'), client(net.url, 'ben')]
    const count = counting(ana, ben)
    await Promise.all([ana.connected(), ben.connected()])
    await expect.poll(() => count.heard.length).toBeGreaterThan(1)
    await broker.kill()
    await expect.poll(() => ana.status.waiting).toBeGreaterThan(2)
    await broker.restart()
    const all = await count.stop()
    expect(count.heard).toEqual(all)
  })

  test('OK: a token that runs out on an event stream is renewed', async () => {
    net.blockWebSocket()
    const issued: string[] = []
    const getToken = async (): Promise<string> => {
      const { token } = (await broker.api('POST', '/tokens', { userId: 'ben', ttl: 12 })) as { token: string }
      issued.push(token)
      return token
    }
    const ben = client(net.url, 'ben', { username: undefined, password: undefined, getToken })
    await ben.connected()
    const states: string[] = []
    ben.onStatus((s) => states.push(s.transport))
    await expect.poll(() => issued.length).toBeGreaterThan(1)
    await expect.poll(() => Date.now() / 1000 > expiry(issued[0] ?? '') + 1).toBe(true)
    expect(ben.transport).toBe('sse')
    expect(states).not.toContain('offline')
  })

  test('ErrSignIn: a wrong password ends it on an event stream too', async () => {
    net.blockWebSocket()
    const ana = client(net.url, 'ana', { password: 'wrong' })
    const told = next<FitmqError>((fn) => ana.onError(fn))
    await expect(ana.connected()).rejects.toMatchObject({ code: 'sign-in', status: 401 })
    expect(await told).toMatchObject({ code: 'sign-in' })
  })
})

const expiry = (token: string): number => Number(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp)
