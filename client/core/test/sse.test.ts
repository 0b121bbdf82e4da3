// The event stream by itself, with a server that the test plays and a clock that it turns.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FitmqError } from '../src/errors.js'
import type { Http } from '../src/http.js'
import { eventStreams } from '../src/sse.js'
import type { Ended, Incoming, Opener, Opening, Way } from '../src/transport.js'

interface Asked {
  path: string
  headers: Record<string, string>
  /** Sends text of the stream, as it comes: in pieces or many events at once. */
  say(text: string): void
  end(): void
}

class Server {
  readonly streams: Asked[] = []
  readonly posts: { path: string; body: unknown }[] = []
  /** Whether a stream begins with its open event. */
  answers = true

  readonly http = {
    open: (_: string, path: string, __: unknown, signal: AbortSignal, headers: Record<string, string>) => {
      let stream!: ReadableStreamDefaultController<Uint8Array>
      const body = new ReadableStream<Uint8Array>({ start: (c) => void (stream = c) })
      signal.addEventListener('abort', () => stream.error(new FitmqError('network', 'aborted')))
      const asked = { path, headers, say: (text: string) => stream.enqueue(new TextEncoder().encode(text)), end: () => stream.close() }
      this.streams.push(asked)
      if (this.answers) asked.say('event: open\ndata: {"sessionPresent":true,"filters":[{"filter":"a","code":1},{"filter":"b","code":135,"reason":"no right"}]}\n\n')
      return Promise.resolve({ body } as Response)
    },
    request: (_: string, path: string, body: unknown) => {
      this.posts.push({ path, body })
      return Promise.resolve({ filters: [] })
    },
  } as unknown as Http

  get last(): Asked {
    const asked = this.streams.at(-1)
    if (asked === undefined) throw new Error('no stream was asked for')
    return asked
  }
}

let server: Server
let opener: Opener
let came: Incoming[]
let ends: Ended[]
let stop: AbortController
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  server = new Server()
  opener = eventStreams(server.http)
  came = []
  ends = []
  stop = new AbortController()
})
afterEach(() => {
  stop.abort()
  expect(vi.getTimerCount(), 'timers left').toBe(0)
  vi.useRealTimers()
})

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1)
const opening = (more: Partial<Opening> = {}): Opening => ({
  base: 'http://b', socket: 'ws://b/mqtt', clientId: 'tab1', user: 'ana', secret: 'x', bearer: false, sessionExpiry: 60, connectTimeout: 6_000,
  filters: ['a', 'b'], message: (m) => came.push(m), ended: (why) => ends.push(why), signal: stop.signal, ...more,
})
const event = (id: string, content: string): string => `id: ${id}\nevent: message\ndata: {"topic":"t","payload":{"content":"${content}"},"qos":1}\n\n`

async function open(more: Partial<Opening> = {}): Promise<Way> {
  const way = opener(opening(more))
  await settle()
  return way
}

describe('an event stream', () => {
  test('OK: asks for its filters, and says which are refused', async () => {
    const way = await open()
    expect(server.last.path).toBe('/events?clientId=tab1&expiry=60&filter=a&filter=b')
    expect(server.last.headers).toEqual({ Accept: 'text/event-stream' })
    expect(way.resumed).toBe(true)
    const errors = await way.subscribe([{ filter: 'a', fresh: true }, { filter: 'b', fresh: true }])
    expect([...errors]).toMatchObject([['b', { code: 'forbidden', reason: 'no right' }]])
    expect(server.posts, 'asked for what it knows already').toEqual([])
  })

  test('OK: reads events however they are cut, and confirms what has come with one request', async () => {
    await open()
    const text = event('1', 'Grüße') + ': still here\n\n' + event('2', 'two')
    for (const piece of [text.slice(0, 40), text.slice(40, 61), text.slice(61)]) server.last.say(piece)
    await settle()
    expect(came.map((m) => JSON.parse(m.payload) as unknown)).toEqual([{ content: 'Grüße' }, { content: 'two' }])
    expect(server.posts).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(server.posts).toEqual([{ path: '/ack', body: { clientId: 'tab1', lastEventId: '2' } }])
  })

  test('OK: the next stream of the same client goes on where the last one has ended, another client begins anew', async () => {
    await open()
    server.last.say(event('7', 'x'))
    await settle()
    server.last.end()
    await settle()
    expect(ends).toMatchObject([{ told: false, error: { code: 'network' } }])
    await open()
    expect(server.last.headers['Last-Event-ID']).toBe('7')
    await open({ clientId: 'tab2' })
    expect(server.last.headers['Last-Event-ID']).toBeUndefined()
  })

  test('OK: what the broker says at the end is what it ends with', async () => {
    await open()
    server.last.say('event: end\ndata: {"code":135,"reason":"the token has expired"}\n\n')
    await settle()
    expect(ends).toMatchObject([{ told: true, error: { code: 'forbidden', reason: 'the token has expired' } }])
  })

  test('OK: silence ends it, a sign of life does not', async () => {
    await open()
    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(30_000)
      server.last.say(': still here\n\n')
      await settle()
    }
    expect(ends).toEqual([])
    await vi.advanceTimersByTimeAsync(40_000)
    expect(ends).toMatchObject([{ error: { code: 'network' } }])
  })

  test('OK: after a sleep a check ends it at once, a busy one goes on', async () => {
    const way = await open()
    way.check()
    await vi.advanceTimersByTimeAsync(10_000)
    server.last.say(': still here\n\n')
    await vi.advanceTimersByTimeAsync(30_000)
    expect(ends, 'it had something to say in time').toEqual([])
    vi.setSystemTime(Date.now() + 8 * 3600_000) // the lid was closed: the timers stood still
    way.check()
    await settle()
    expect(ends).toMatchObject([{ error: { code: 'network' } }])
  })

  test('OK: ending it confirms what has come, and with forget gives up the filters', async () => {
    const way = await open()
    server.last.say(event('3', 'x'))
    await settle()
    await way.end(true)
    expect(server.posts).toEqual([
      { path: '/ack', body: { clientId: 'tab1', lastEventId: '3' } },
      { path: '/unsubscribe', body: { clientId: 'tab1', filters: ['a', 'b'] } },
    ])
    expect(ends, 'who ends it is not told').toEqual([])
  })

  test('ErrNetwork: a stream that does not begin is given up in time', async () => {
    server.answers = false
    const way = opener(opening())
    const told = expect(way).rejects.toMatchObject({ code: 'network' })
    await vi.advanceTimersByTimeAsync(6_100)
    await told
  })
})
