import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { areaPath, buckets, ceiling, linePath } from './chart'
import { clientsPath } from './Clients'
import { partOf } from './Console'
import { explainPath } from './Explain'
import { ago, bytes, clock, code, count, expiry, protocol, span } from './format'
import { failureOf, longestPause, pauseAfter, Poller } from './poll'
import { fits, freshIn } from './Refusals'
import { strings } from './strings'
import { joined, kept } from './Trace'
import { detailOf } from './traceview'
import type { Refusal, TraceEvent } from './types'
import { stateOf } from './Webhooks'

describe('charts', () => {
  test.each([[0, 1], [0.3, 1], [1, 1], [1.2, 2], [7, 10], [10, 10], [11, 20], [430, 500], [999, 1000]])('the top above %d is %d', (peak, top) => {
    expect(ceiling(peak)).toBe(top)
  })
  test.each([[0, 1024], [1500, 2048], [3 << 20, 4 << 20]])('the top above %d bytes is %d', (peak, top) => {
    expect(ceiling(peak, true)).toBe(top)
  })
  test('a line goes from left to right and is cut at the top', () => {
    expect(linePath([0, 5, 20], 10, 100, 50)).toBe('M0 50L50 25L100 0')
    expect(areaPath([0, 10], 10, 100, 50)).toBe('M0 50L100 0L100 50L0 50Z')
    expect(linePath([], 10, 100, 50)).toBe('')
    expect(linePath([3], 10, 100, 50)).toBe('M0 35')
  })
  test('a line of a broker that began lately stands at the right end', () => {
    expect(linePath([0, 10], 10, 100, 50, 5)).toBe('M75 50L100 0')
    expect(areaPath([0, 10], 10, 100, 50, 5)).toBe('M75 50L100 0L100 50L75 50Z')
  })
  test('numbers are means over whole buckets', () => {
    expect(buckets([9, 1, 3, 5, 7], 2)).toEqual([2, 6])
  })
})

describe('words', () => {
  test('numbers, bytes and times', () => {
    expect([count(1234), count(0.44), count(12.6)]).toEqual(['1,234', '0.4', '13'])
    expect([bytes(0), bytes(1023), bytes(1536), bytes(5 << 20)]).toEqual(['0 B', '1,023 B', '1.5 KiB', '5 MiB'])
    expect([span(7), span(306), span(7_384), span(273_600), span(-3)]).toEqual(['7 s', '5 min 6 s', '2 h 3 min', '3 d 4 h', '0 s'])
    const now = Date.parse('2026-03-01T12:00:00Z')
    expect(ago('2026-03-01T11:59:30Z', now)).toBe('30 s ago')
    expect(ago(undefined, now)).toBe(strings.none)
    expect(clock('2026-03-01T12:00:00.045Z', now, true)).toMatch(/^\d\d:\d\d:\d\d\.045$/)
    expect(clock('2026-02-11T12:00:00Z', now)).toMatch(/^2026-02-11 \d\d:\d\d:00$/)
    expect(code(0x87)).toBe('0x87')
    expect([protocol('http', 0), protocol('mqtt', 5), protocol('mqtt', 4), protocol(undefined, undefined)]).toEqual(['event stream', 'MQTT 5', 'MQTT 3.1.1', '–'])
    expect([expiry(0), expiry(60), expiry(4_294_967_295)]).toEqual(['ends with the connection', '1 min 0 s', 'never'])
  })
  test('every reason that is counted has its words', () => {
    for (const name of ['congested', 'queueFull', 'expired', 'tooLarge', 'noRight']) expect(strings.reasons[`dropped.${name}`]).toBeTruthy()
  })
})

describe('places and questions', () => {
  test('paths lead to parts', () => {
    expect(partOf([])).toEqual({ part: 'overview', open: undefined })
    expect(partOf(['clients', 'a/b'])).toEqual({ part: 'clients', open: 'a/b' })
    expect(partOf(['nowhere', 'x'])).toEqual({ part: 'overview', open: undefined })
  })
  test('questions are escaped, and empty parts left out', () => {
    expect(clientsPath({ search: ' a&b ', connected: 'true', sort: 'id', after: '' })).toBe('/clients?search=a%26b&connected=true&sort=id&limit=25')
    expect(explainPath(' m/1 ', '')).toBe('/explain/m%2F1')
    expect(explainPath('m', 'chat/+/message')).toBe('/explain/m?topic=chat%2F%2B%2Fmessage')
  })
})

describe('refusals', () => {
  const at = (time: string): Refusal => ({ time, userId: 'ana', clientId: 'phone', action: 'publish', target: 'a/b', code: 0x87, reason: 'no right' })
  test('all words must fit', () => {
    expect(fits(at(''), 'ANA right')).toBe(true)
    expect(fits(at(''), '0x87')).toBe(true)
    expect(fits(at(''), 'ana ben')).toBe(false)
    expect(fits(at(''), '')).toBe(true)
  })
  test('what is new is counted', () => {
    const list = ['3', '2', '1'].map(at)
    expect(freshIn(list, undefined)).toBe(0)
    expect(freshIn(list, '1')).toBe(2)
    expect(freshIn(list, '3')).toBe(0)
    expect(freshIn(list, '0')).toBe(3)
  })
})

describe('traces', () => {
  const event = (n: number): TraceEvent => ({ n, time: '', direction: 'in', packet: 'PUBLISH', topic: 't', qos: 1, size: 3 })
  const answer = (from: number, to: number, skipped = 0) => ({ clientId: 'c', since: '', next: to, skipped, events: Array.from({ length: to - from + 1 }, (_, i) => event(from + i)) })
  test('answers join without gaps or repeats', () => {
    const first = joined({ next: 0, skipped: 0, events: [] }, answer(1, 3))
    const again = joined(first, answer(2, 5))
    expect(again.events.map((e) => e.n)).toEqual([1, 2, 3, 4, 5])
    expect(again.next).toBe(5)
  })
  test('the newest are kept, and the others counted', () => {
    const all = joined(joined({ next: 0, skipped: 0, events: [] }, answer(11, 400, 10)), answer(401, 700))
    expect(all.events).toHaveLength(kept)
    expect(all.events.at(-1)?.n).toBe(700)
    expect(all.skipped).toBe(200)
  })
  test('details are told in words', () => {
    expect(detailOf({ ...event(1), packetId: 7, retain: true, dup: true })).toBe('QoS 1, 3 B, retain, again, #7')
    expect(detailOf({ n: 1, time: '', direction: 'out', packet: 'PUBACK', qos: 0, packetId: 7, code: 0x87, reason: 'no right' })).toBe('#7, 0x87, no right')
  })
})

test('a webhook that pauses or has stopped says so', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  expect(stateOf({ stopped: false }, now).good).toBe(true)
  expect(stateOf({ stopped: false, pausedUntil: '2026-03-01T12:00:01Z' }, now).good).toBe(false)
  expect(stateOf({ stopped: false, pausedUntil: '2026-03-01T11:00:00Z' }, now).good).toBe(true)
  expect(stateOf({ stopped: true }, now).good).toBe(false)
})

describe('asking again and again', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0.999999)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  function sight() {
    let visible = (): void => undefined
    const s = { isHidden: false, hidden: () => s.isHidden, onVisible: (then: () => void) => ((visible = then), () => (visible = () => undefined)), show: () => visible() }
    return s
  }

  test('the pause grows with failures, to ten seconds at most, and is never in step', () => {
    expect(pauseAfter(0, 2_000, 0.5)).toBe(2_000)
    expect(pauseAfter(1, 2_000, 0)).toBe(2_000)
    expect(pauseAfter(2, 2_000, 0.5)).toBe(6_000)
    expect(pauseAfter(30, 2_000, 0.999999)).toBeLessThanOrEqual(longestPause)
  })

  test('it asks each period, more seldom while that fails, and stops', async () => {
    let well = true
    const ask = vi.fn(() => Promise.resolve(well))
    const poller = new Poller(ask, 1_000, sight())
    poller.now()
    await vi.advanceTimersByTimeAsync(3_500)
    expect(ask).toHaveBeenCalledTimes(4)
    well = false
    await vi.advanceTimersByTimeAsync(7_000) // one at once, then after 2 s and 4 s
    expect(ask).toHaveBeenCalledTimes(7)
    well = true
    poller.now()
    await vi.advanceTimersByTimeAsync(2_100)
    expect(ask).toHaveBeenCalledTimes(10)
    poller.stop()
    await vi.advanceTimersByTimeAsync(100_000)
    expect(ask).toHaveBeenCalledTimes(10)
  })

  test('it does not ask while nobody looks, and at once when somebody does', async () => {
    const eye = sight()
    const ask = vi.fn(() => Promise.resolve(true))
    const poller = new Poller(ask, 1_000, eye)
    poller.now()
    await vi.advanceTimersByTimeAsync(0)
    eye.isHidden = true
    await vi.advanceTimersByTimeAsync(600_000)
    expect(ask).toHaveBeenCalledTimes(1)
    eye.isHidden = false
    eye.show()
    await vi.advanceTimersByTimeAsync(1_500)
    expect(ask).toHaveBeenCalledTimes(3)
    poller.stop()
  })

  test('never two at once', async () => {
    let answer = (_: boolean): void => undefined
    const ask = vi.fn(() => new Promise<boolean>((resolve) => (answer = resolve)))
    const poller = new Poller(ask, 1_000, sight())
    poller.now()
    poller.now()
    poller.now()
    expect(ask).toHaveBeenCalledTimes(1)
    answer(true)
    await vi.advanceTimersByTimeAsync(0)
    expect(ask).toHaveBeenCalledTimes(2)
    poller.stop()
  })

  test('failures have words and a status', () => {
    expect(failureOf({ reason: 'no such client', status: 404 })).toEqual({ error: 'no such client', status: 404 })
    expect(failureOf({ code: 'network', reason: 'fetch failed' }).error).toBe(strings.offline)
    expect(failureOf(new Error('broken')).error).toBe('broken')
  })
})
