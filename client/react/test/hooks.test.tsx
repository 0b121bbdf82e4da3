// @vitest-environment happy-dom
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { gym, type Broker } from '../../test/broker.js'
import { connect, type Client } from '@fitmq/client'
import {
  FitmqConnection,
  FitmqProvider,
  useChallenge,
  useChat,
  useConnection,
  useFitmq,
  useMatches,
  useNotifications,
  useTraining,
  useWorkoutSession,
  type UseChallenge,
  type UseChat,
  type UseMatches,
  type UseNotifications,
  type UseTraining,
  type UseWorkoutSession,
} from '../src/index.js'
import { render, until } from './render.js'

let broker: Broker
beforeAll(async () => {
  broker = await gym()
})
afterAll(() => broker.stop())

const options = (user: string) => ({ url: broker.url, username: user, password: `${user}-secret`, storage: 'memory' as const })

/** How many connections the broker has from browsers now. */
async function connections(): Promise<number> {
  const text = await (await fetch(`${broker.url}/metrics`)).text()
  return Number(/^fitmq_connections(?:\{[^}]*ws[^}]*\})? (\d+)/m.exec(text)?.[1] ?? NaN)
}

describe('useConnection', () => {
  test('OK: says how it stands, and leaves no connection behind', async () => {
    const Show = () => {
      const { state, transport, userId } = useConnection()
      return `${useFitmq().userId} ${userId} ${state} ${transport}`
    }
    const page = await render(<FitmqConnection options={options('ana')}><Show /></FitmqConnection>)
    await until(() => page.text() === 'ana ana connected websocket')
    expect(await connections()).toBe(1)
    await page.unmount()
    expect(page.text()).toBe('')
    await expect.poll(connections).toBe(0)
  })

  test('ErrNoProvider', async () => {
    const Show = () => useConnection().state
    await expect(render(<Show />)).rejects.toThrow('useFitmq needs a FitmqProvider')
  })
})

const made = new Set<Client>()
afterEach(async () => {
  await Promise.all([...made].map((c) => c.close()))
  made.clear()
})

/** A client besides the page's. */
function other(user: string): Client {
  const c = connect(options(user))
  made.add(c)
  return c
}

/** Renders a component that uses one hook, for the user; now is what the hook said last. */
async function using<T>(user: string, hook: () => T): Promise<{ now(): T; unmount(): Promise<void> }> {
  let last: T | undefined
  const Probe = () => {
    last = hook()
    return null
  }
  const { unmount } = await render(<FitmqProvider client={other(user)}><Probe /></FitmqProvider>)
  return { now: () => last as T, unmount }
}

describe('useWorkoutSession', () => {
  test('OK: a component takes part once, although it is mounted twice, and has left when it goes', async () => {
    const events: string[] = []
    const host = other('ana').joinSession('track')
    await host.ready
    host.onEvent((e) => e.userId === 'ben' && events.push(e.type))
    const page = await using<UseWorkoutSession>('ben', () => useWorkoutSession('track'))
    expect(page.now()).toMatchObject({ joined: 'joining', participants: [] })
    host.updateProgress({ sport: 'running', distance: 100, heartRate: 140 })
    await until(() => page.now().samples['ana'] !== undefined && page.now().participants.length === 2)
    expect(page.now()).toMatchObject({ joined: 'joined', info: { title: 'Track' }, samples: { ana: { heartRate: 140 } } })
    page.now().updateProgress({ sport: 'running', distance: 120 })
    await until(() => page.now().leaderboard?.entries[0]?.userId === 'ben')
    await page.now().sendChat('Hello')
    await until(() => page.now().messages.at(-1)?.content === 'Hello')
    await page.unmount()
    await expect.poll(() => events).toEqual(['participant-joined', 'participant-left'])
  })
})

describe('useChallenge', () => {
  test('OK: board, own rank and status', async () => {
    const page = await using<UseChallenge>('ben', () => useChallenge('june'))
    await until(() => page.now().joined === 'joined')
    const startTime = new Date(Date.now() - 3600_000).toISOString()
    await page.now().submitActivity({ sport: 'running', startTime, totalElapsedTime: 1800, totalDistance: 5000 })
    await until(() => page.now().rank?.rank === 1 && page.now().leaderboard?.entries[0]?.score === 5000)
    await until(() => page.now().achievements.some((a) => a.threshold === 1000))
    expect(page.now().status).toMatchObject({ state: 'active', participants: 1 })
    expect((await page.now().page({ limit: 1 })).total).toBe(1)
  })
})

describe('useTraining', () => {
  test('OK: the trainer corrects, the client sees it and says so', async () => {
    const trainer = await using<UseTraining>('tess', () => useTraining('legs'))
    const client = await using<UseTraining>('ana', () => useTraining('legs'))
    await until(() => trainer.now().joined === 'joined' && client.now().joined === 'joined')
    await trainer.now().sendFormCorrection('ana', { exercise: 'squat', severity: 'warning', cue: 'Deeper' })
    await until(() => client.now().corrections.length === 1)
    const [correction] = client.now().corrections
    expect(correction).toMatchObject({ cue: 'Deeper', seen: false })
    await client.now().seen(correction?.correctionId ?? '')
    await until(() => trainer.now().corrections[0]?.seen === true)
  })
})

describe('useChat', () => {
  test('OK: messages with ticks, typing, unread and history', async () => {
    const ana = await using<UseChat>('ana', () => useChat({ with: 'tess' }))
    const tess = await using<UseChat>('tess', () => useChat('ana.tess'))
    await until(() => ana.now().loaded && tess.now().loaded)
    ana.now().send('One')
    ana.now().send('Two')
    await until(() => tess.now().messages.length === 2 && tess.now().unread === 2)
    expect(tess.now().messages).toMatchObject([{ content: 'One', mine: false, seq: 1 }, { content: 'Two', mine: false, seq: 2 }])
    await until(() => ana.now().messages.every((m) => m.state === 'delivered'))
    ana.now().setTyping()
    await until(() => tess.now().typing[0] === 'ana')
    await tess.now().markRead()
    await until(() => ana.now().messages.every((m) => m.state === 'read') && tess.now().unread === 0)
    const second = await using<UseChat>('ana', () => useChat('ana.tess'))
    await until(() => second.now().messages.length === 2)
    expect(await second.now().loadEarlier()).toBe(false)
  })

  test('OK: what cannot be sent yet is there, with its state', async () => {
    const away = connect({ ...options('ana'), url: 'http://127.0.0.1:9' })
    made.add(away)
    let last: UseChat | undefined
    const Probe = () => {
      last = useChat({ with: 'tess' })
      return null
    }
    await render(<FitmqProvider client={away}><Probe /></FitmqProvider>)
    last?.send('Later')
    await until(() => last?.messages.length === 1)
    expect(last?.messages).toMatchObject([{ content: 'Later', mine: true, state: 'sending' }])
  })
})

describe('useNotifications', () => {
  test('OK: what comes, what is unread, on every device', async () => {
    const ana = await using<UseNotifications>('ana', () => useNotifications())
    const phone = await using<UseNotifications>('ana', () => useNotifications())
    await until(() => ana.now().loaded && phone.now().loaded)
    // News of what other tests do may come meanwhile: what is asked is that both
    // devices say the same, and what their lists say.
    const agreed = () => [ana, phone].every((d) => d.now().unread === d.now().notifications.filter((n) => n.read !== true).length)
    const plan = (d: typeof ana) => d.now().notifications.find((n) => n.messageId === 'plan-5')
    await other('tess').publish('user/ana/notification', { content: 'Your plan is ready', kind: 'reminder', messageId: 'plan-5' })
    await until(() => plan(ana) !== undefined && plan(phone) !== undefined && agreed())
    expect(plan(ana)).toMatchObject({ content: 'Your plan is ready', senderId: 'tess', type: 'notification' })
    expect(plan(ana)?.read, 'read before anybody has').not.toBe(true)
    await ana.now().markRead('plan-5')
    await until(() => plan(ana)?.read === true && plan(phone)?.read === true && agreed())
    await ana.now().remove('plan-5')
    await until(() => ana.now().notifications.every((n) => n.messageId !== 'plan-5'))
  })
})

describe('useMatches', () => {
  test('OK: two who are near each other find, accept and may write to each other', async () => {
    const [ana, ben] = [await using<UseMatches>('ana', () => useMatches()), await using<UseMatches>('ben', () => useMatches())]
    const here = { latitude: 52.52, longitude: 13.405, sport: 'running', pace: 330, radius: 10_000 }
    await until(() => ana.now().stop !== undefined)
    ana.now().search(here)
    ben.now().search(here)
    await until(() => ana.now().matches.length === 1 && ben.now().matches.length === 1)
    const [proposal] = ana.now().matches
    expect(proposal).toMatchObject({ state: 'proposed', sport: 'running' })
    expect(proposal?.userId, 'who it is, before both accept').toBeUndefined()
    await ana.now().reply(proposal?.partnerId ?? '', true)
    await ben.now().reply(ben.now().matches[0]?.partnerId ?? '', true)
    await until(() => ana.now().matches[0]?.state === 'matched' && ben.now().matches[0]?.state === 'matched')
    expect(ana.now().matches[0]).toMatchObject({ userId: 'ben', conversation: 'ana.ben' })
    await other('ana').sendMessage({ recipientId: 'ben', content: 'Tomorrow at seven?' })
  })

  test('ErrInvalid: a beacon that is refused ends the search, with the reason', async () => {
    const page = await using<UseMatches>('7', () => useMatches())
    page.now().search({ latitude: 520, longitude: 13.4, sport: 'running' })
    expect(page.now()).toMatchObject({ matches: [] })
    await until(() => page.now().error !== undefined)
    expect(page.now()).toMatchObject({ searching: false })
  })
})
