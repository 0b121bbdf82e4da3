import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gym, type Broker } from '../../test/broker.js'
import { FitmqError, type Delivery, type LiveSample, type Message } from '../src/index.js'
import { client, next, reached } from './people.js'

let broker: Broker
beforeAll(async () => {
  broker = await gym()
})
afterAll(() => broker.stop())

const activity = (meters: number) => ({
  sport: 'running',
  startTime: new Date(Date.now() - 3600_000).toISOString(),
  totalElapsedTime: 1800,
  totalDistance: meters,
})

describe('connect', () => {
  test('OK: connected by WebSocket, and nothing left after close', async () => {
    const ana = client(broker.url, 'ana')
    expect(ana.status).toMatchObject({ state: 'connecting', transport: 'offline', userId: 'ana' })
    await ana.connected()
    expect(ana.status).toMatchObject({ state: 'connected', transport: 'websocket' })
    await ana.close()
    expect(ana.status).toMatchObject({ state: 'closed', transport: 'offline' })
    await expect(ana.publish('session/track/chat', { content: 'late' })).rejects.toMatchObject({ code: 'closed' })
  })

  test('OK: a token names the user', async () => {
    const { token } = (await broker.api('POST', '/tokens', { userId: 'ben', ttl: 60 })) as { token: string }
    const ben = client(broker.url, '', { username: undefined, password: undefined, token })
    await ben.connected()
    expect(ben.userId).toBe('ben')
  })

  test('ErrSignIn: a wrong password ends it with a typed error', async () => {
    const ana = client(broker.url, 'ana', { password: 'wrong' })
    await expect(ana.connected()).rejects.toMatchObject({ code: 'sign-in', mqtt: 0x86 })
    expect(ana.status.state).toBe('closed')
  })
})

describe('joinSession', () => {
  test('OK: who comes sees who is there, their numbers and who leads; leaving is seen', async () => {
    const ana = client(broker.url, 'ana').joinSession('track')
    await ana.ready
    ana.updateProgress({ sport: 'running', heartRate: 131, distance: 120, elapsedTime: 30 })
    const ben = client(broker.url, 'ben')
    const joined = next(ana.onParticipantJoined.bind(ana), (e) => e.userId === 'ben')
    const session = ben.joinSession('track')
    const sample = await next<LiveSample & { userId: string }>((fn) => session.onProgress(fn))
    expect(sample).toMatchObject({ userId: 'ana', heartRate: 131, distance: 120, status: 'active' })
    const board = await next(session.onLeaderboard.bind(session), (b) => b.entries.length > 0)
    expect(board.entries[0]).toMatchObject({ rank: 1, userId: 'ana', score: 120 })
    expect(await joined).toMatchObject({ type: 'participant-joined', sessionId: 'track' })
    await reached(session.state, (s) => s.participants.length === 2)
    expect(session.state.get()).toMatchObject({ joined: 'joined', info: { title: 'Track' }, samples: { ana: { distance: 120 } } })

    const left = next(ana.onParticipantLeft.bind(ana))
    session.leave()
    expect(await left).toMatchObject({ userId: 'ben', reason: 'unsubscribed' })
  })

  test('OK: what is said comes to all; late listeners get the newest state', async () => {
    const ana = client(broker.url, 'ana').joinSession('track')
    const ben = client(broker.url, 'ben').joinSession('track')
    await Promise.all([ana.ready, ben.ready])
    const heard = next<Message>((fn) => ben.onMessage(fn))
    const sent = ana.sendChat('Last lap')
    expect(await sent).toMatchObject({ state: 'stored', messageId: sent.messageId })
    expect(await heard).toMatchObject({ content: 'Last lap', senderId: 'ana', messageId: sent.messageId, sessionId: 'track' })
    expect((await next(ben.onParticipants.bind(ben))).map((p) => p.userId).sort()).toEqual(['ana', 'ben'])
    expect((await ben.history({ limit: 10 })).items.at(-1)).toMatchObject({ content: 'Last lap' })
  })

  test('ErrForbidden: not invited, with the reason', async () => {
    const ana = client(broker.url, 'ana')
    const told = next<FitmqError>((fn) => ana.onError(fn))
    const session = ana.joinSession('closed')
    await expect(session.ready).rejects.toMatchObject({ name: 'FitmqError', code: 'forbidden', mqtt: 0x87 })
    expect(await told).toMatchObject({ code: 'forbidden', topic: 'session/closed/#' })
    expect(session.state.get()).toMatchObject({ joined: 'refused', error: { code: 'forbidden' } })
  })

  test('ErrInvalid: an implausible sample names field and limit', async () => {
    const ana = client(broker.url, 'ana')
    const told = next<FitmqError>((fn) => ana.onError(fn))
    const session = ana.joinSession('track')
    await session.ready
    session.updateProgress({ heartRate: 900 })
    const error = await told
    expect(error).toMatchObject({ code: 'invalid', mqtt: 0x83, topic: 'session/track/progress/ana' })
    expect(error.reason).toMatch(/heartRate 900.*250/)
  })
})

describe('joinChallenge', () => {
  test('OK: joins what is open; an activity counts once and gives rank and award', async () => {
    const ana = client(broker.url, 'ana')
    const award = next(ana.onAchievement.bind(ana), (a) => a.kind === 'distance')
    const challenge = ana.joinChallenge('june')
    await challenge.ready
    const rank = next(challenge.onRank.bind(challenge), (r) => r.score > 0)
    const id = await challenge.submitActivity({ ...activity(1500), activityId: 'run-1' })
    expect(id).toBe('run-1')
    expect(await rank).toMatchObject({ rank: 1, score: 1500, userId: 'ana' })
    expect(await award).toMatchObject({ challengeId: 'june', threshold: 1000, userId: 'ana' })
    const board = await next(challenge.onLeaderboard.bind(challenge), (b) => b.entries.length > 0)
    expect(board.entries).toMatchObject([{ userId: 'ana', score: 1500 }])
    expect((await challenge.page({ around: 'ana', limit: 3 })).entries).toHaveLength(1)
    expect((await next(challenge.onStatus.bind(challenge))).state).toBe('active')
  })

  test('ErrForbidden: an invitation is needed', async () => {
    const challenge = client(broker.url, 'ana').joinChallenge('secret')
    await expect(challenge.ready).rejects.toMatchObject({ code: 'forbidden', status: 403 })
    expect(challenge.state.get().joined).toBe('refused')
  })

  test('ErrInvalid: an impossible activity is refused with the reason', async () => {
    const challenge = client(broker.url, 'ben').joinChallenge('june')
    await challenge.ready
    await expect(challenge.submitActivity({ ...activity(1e9) })).rejects.toMatchObject({ code: 'invalid', mqtt: 0x83 })
  })
})

describe('joinTraining', () => {
  test('OK: a correction reaches the client at once, and the trainer learns that it was seen', async () => {
    const tess = client(broker.url, 'tess').joinTraining('legs')
    const ana = client(broker.url, 'ana').joinTraining('legs')
    await Promise.all([tess.ready, ana.ready])
    const got = next(ana.onFormCorrection.bind(ana))
    const sent = tess.sendFormCorrection('ana', { exercise: 'squat', joint: 'knee', measure: 'angle', observed: 112, targetMax: 100, unit: 'deg', severity: 'warning', cue: 'Deeper' })
    await sent
    const correction = await got
    expect(correction).toMatchObject({ userId: 'ana', correctionId: sent.correctionId, cue: 'Deeper' })
    await ana.seen(correction.correctionId)
    await sent.seen
    expect(ana.corrections.get()).toMatchObject([{ cue: 'Deeper', seen: true }])
  })

  test('ErrForbidden: only the trainer corrects', async () => {
    const ana = client(broker.url, 'ana').joinTraining('legs')
    await ana.ready
    await expect(ana.sendFormCorrection('ben', { exercise: 'squat', severity: 'info', cue: 'x' })).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('sendMessage', () => {
  test('OK: stored, delivered, read', async () => {
    const tess = client(broker.url, 'tess')
    const ana = client(broker.url, 'ana')
    const conversation = tess.conversation({ with: 'ana' })
    const heard = next(conversation.onMessage.bind(conversation))
    await Promise.all([ana.connected(), tess.connected()])
    const sent = ana.sendMessage({ recipientId: 'tess', content: 'Legs are sore' })
    const steps: Delivery[] = []
    sent.onState((d) => steps.push(d))
    expect(await sent).toMatchObject({ state: 'stored' })
    expect(await heard).toMatchObject({ content: 'Legs are sore', senderId: 'ana', recipientId: 'tess', seq: 1 })
    expect(await sent.delivered).toMatchObject({ state: 'delivered', by: 'tess' })
    await reached(conversation.state, (s) => s.unread === 1)
    await conversation.markRead()
    expect(await sent.read).toMatchObject({ state: 'read', by: 'tess' })
    expect(sent.state).toBe('read')
    expect(steps.map((d) => d.state)).toEqual(['stored', 'delivered', 'read'])
    await reached(conversation.state, (s) => s.unread === 0)
    expect((await tess.conversations())[0]).toMatchObject({ conversationId: 'ana.tess', unread: 0 })
  })

  test("OK: the seed's message goes through unchanged, with numeric ids", async () => {
    const tess = client(broker.url, 'tess')
    const heard = next(tess.conversation({ with: 7 }).onMessage.bind(tess.conversation({ with: 7 })))
    await tess.connected()
    const message = { type: 'chat', content: 'Hi', senderId: 7, recipientId: 'tess', timestamp: '2024-01-01T00:00:00Z', messageId: 12345, mood: ':-)' }
    await client(broker.url, '7').sendMessage(message)
    const { timestamp, ...rest } = await heard
    expect(rest).toMatchObject({ type: 'chat', content: 'Hi', senderId: '7', recipientId: 'tess', messageId: '12345', mood: ':-)' })
    expect(Date.parse(timestamp)).toBeGreaterThan(Date.parse('2026-01-01'))
  })

  test('OK: typing is seen by the other one alone', async () => {
    const ana = client(broker.url, 'ana').conversation({ with: 'tess' })
    const tess = client(broker.url, 'tess').conversation({ with: 'ana' })
    await Promise.all([reached(ana.state, (s) => s.loaded), reached(tess.state, (s) => s.loaded)])
    const seen = reached(tess.state, (s) => s.typing.length > 0)
    const timer = setInterval(() => ana.typing(), 100)
    expect((await seen).typing).toEqual(['ana'])
    clearInterval(timer)
    expect(ana.state.get().typing).toEqual([])
  })

  test('ErrForbidden: strangers, and a stolen name', async () => {
    const ben = client(broker.url, 'ben')
    const sent = ben.sendMessage({ recipientId: '7', content: 'Hello' })
    await expect(sent).rejects.toMatchObject({ code: 'forbidden' })
    expect(sent.state).toBe('failed')
    await expect(sent.read).rejects.toMatchObject({ code: 'forbidden' })
    const ana = client(broker.url, 'ana')
    await expect(ana.sendMessage({ recipientId: 'tess', senderId: 'ben', content: 'x' })).rejects.toMatchObject({ code: 'invalid', mqtt: 0x83 })
  })
})
