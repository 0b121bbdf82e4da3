// What the console shows of queues, clients and traces, as far as it is arithmetic.
import { describe, expect, test } from 'vitest'
import { ratesOf } from './Boards'
import { hintsOf } from './Client'
import { stateOf } from './Queues'
import { steady } from './steady'
import { isLow } from './Storage'
import { strings } from './strings'
import { asText, chosen, matches, topicFits } from './traceview'
import type { ClientInfo, TraceEvent } from './types'
import { usersPath } from './Users'

describe('lists that change by themselves', () => {
  const key = (s: string): string => s.slice(0, 1)
  test('rows keep their order and get their newest values', () => {
    expect(steady(['a1', 'b1', 'c1'], ['c2', 'a2', 'b2'], key)).toEqual({ rows: ['a2', 'b2', 'c2'].map((item) => ({ item, gone: false })), news: 0 })
  })
  test('what has gone stays where it was, and what is new is counted', () => {
    expect(steady(['a1', 'b1'], ['z1', 'b2', 'y1'], key)).toEqual({ rows: [{ item: 'a1', gone: true }, { item: 'b2', gone: false }], news: 2 })
  })
})

describe('topics', () => {
  test.each([
    ['a/b', 'a/b', true], ['a/+', 'a/b', true], ['a/+', 'a/b/c', false], ['a/#', 'a', true], ['a/#', 'a/b/c', true], ['#', 'x', true],
    ['a/b', 'a', false], ['a', 'a/b', false], ['+/b', 'a/b', true], ['$share/g/a/+', 'a/b', true], ['a/+/c', 'a/b/d', false],
  ])('%s and %s: %s', (filter, topic, want) => {
    expect(matches(filter, topic)).toBe(want)
  })
  test('without wildcards a part is enough', () => {
    expect([topicFits('chat', 'session/s1/chat'), topicFits('chat', undefined), topicFits('', undefined), topicFits('chat/+', 'session/chat/x')]).toEqual([true, false, true, false])
  })
})

describe('a trace', () => {
  const event = (n: number, direction: 'in' | 'out', packet: string, more: Partial<TraceEvent> = {}): TraceEvent => ({ n, time: `T${n}`, direction, packet, qos: 1, ...more })
  const list = [
    event(1, 'in', 'CONNECT'),
    event(2, 'out', 'PUBLISH', { topic: 'a/x', packetId: 1, size: 3 }), event(3, 'out', 'PUBLISH', { topic: 'b/x', packetId: 2 }),
    event(4, 'in', 'PUBACK', { packetId: 1 }), event(5, 'in', 'PUBACK', { packetId: 2 }),
    event(6, 'in', 'PUBLISH', { topic: 'a/x', packetId: 2 }), event(7, 'out', 'PUBACK', { packetId: 2, code: 0x87, reason: 'no right' }),
    event(8, 'out', 'PUBLISH', { topic: 'b/y', packetId: 1 }), event(9, 'in', 'PUBACK', { packetId: 1 }),
    event(10, 'out', 'QUEUED', { topic: 'a/x', size: 9, reason: '1 are sent and not acknowledged' }),
  ]
  const numbers = (l: readonly TraceEvent[]): number[] => l.map((e) => e.n)
  test('of a topic, with what answers its messages', () => {
    expect(numbers(chosen(list, '', 'a/+'))).toEqual([1, 2, 4, 6, 7, 10])
    expect(numbers(chosen(list, 'out', ' a/x '))).toEqual([2, 7, 10])
    expect(numbers(chosen(list, '', ''))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(numbers(chosen(list, '', 'nothing'))).toEqual([1])
  })
  test('as lines of text', () => {
    expect(asText(chosen(list, 'out', 'a/x'))).toBe('T2 <- PUBLISH a/x QoS 1, 3 B, #1\nT7 <- PUBACK #2, 0x87, no right\nT10 <- QUEUED a/x QoS 1, 9 B, 1 are sent and not acknowledged\n')
  })
})

describe('why a client may not get its messages', () => {
  const fine: ClientInfo = { clientId: 'c', userId: 'u', connected: true, since: '', expiry: 60, subscriptions: { 'a/#': 1 }, inflight: 0, waiting: 0, window: 20, behind: false, will: false }
  const queue = { messages: 3, bytes: 1, inflight: 1 }
  const h = strings.client.hints
  test.each<[string, Partial<ClientInfo>, string[]]>([
    ['nothing known', {}, []],
    ['away', { connected: false }, [h.away]],
    ['no subscriptions', { subscriptions: {} }, [h.nothing]],
    ['no session', { expiry: 0 }, [h.short]],
    ['QoS 0', { subscriptions: { a: 0, b: 0 } }, [h.qos0]],
    ['acknowledges nothing', { inflight: 20 }, [h.stalled('20')]],
    ['slow', { inflight: 2 }, [h.slow]],
    ['dropped', { dropped: { queueFull: 2 } }, [h.dropped]],
  ])('%s', (_, change, want) => {
    expect(hintsOf({ ...fine, ...change }, queue)).toEqual(want)
  })
})

test('a queue says who does not take its messages', () => {
  expect(stateOf({ connected: true, inflight: 20, window: 20 })).toEqual({ text: strings.queues.stalled, good: false })
  expect(stateOf({ connected: true, inflight: 2, window: 20 }).good).toBe(true)
  expect(stateOf({ connected: false, inflight: 2 }).text).toBe(strings.clients.away)
})

test('boards change so often a minute', () => {
  const rates = ratesOf(new Map([['a', 10], ['b', 5]]), [{ challengeId: 'a', revision: 16 }, { challengeId: 'b', revision: 1 }, { challengeId: 'new', revision: 9 }], 30_000)
  expect([...rates]).toEqual([['a', 12], ['b', 0]])
})

test('a disk that is nearly full is told', () => {
  expect([isLow({ diskFree: 9, diskSize: 100 }), isLow({ diskFree: 11, diskSize: 100 }), isLow({ diskFree: 0, diskSize: 0 })]).toEqual([true, false, false])
})

test('users are searched on the server', () => {
  expect(usersPath('a b&c', '')).toBe('/users?search=a+b%26c&limit=25')
  expect(usersPath('', 'ana')).toBe('/users?after=ana&limit=25')
})
