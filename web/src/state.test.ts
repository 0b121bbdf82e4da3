import { describe, expect, test } from 'vitest'
import { race, staleAfter, tiles, tileState } from './select'
import { athletesLimit, feedLength, initialState, receive, reconnected, trendLength, type LiveState } from './state'

const t0 = Date.parse('2026-06-04T10:00:00Z')
const iso = (ms: number): string => new Date(ms).toISOString()
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

/** A page of tess, who watches the session "s" and the challenge "c". */
class Page {
  state: LiveState = initialState('tess', 's', 'c')
  now = t0

  get(topic: string, value: unknown, retained = false): this {
    this.state = receive(this.state, { topic, payload: bytes(value), retained }, this.now)
    return this
  }

  sample(user: string, seq: number, more: object = {}, retained = false): this {
    return this.get(`session/s/progress/${user}`, { seq, timestamp: iso(t0 + seq * 1000), elapsedTime: seq, sport: 'running', status: 'active', ...more }, retained)
  }

  roster(revision: number, ...users: string[]): this {
    const participants = users.map((u) => ({ userId: u, name: u.toUpperCase(), role: u === 'tess' ? 'trainer' : 'member', joinedAt: iso(t0) }))
    return this.get('session/s/participants', { sessionId: 's', revision, participants })
  }

  board(revision: number, scores: Record<string, number>, retained = false): this {
    const entries = Object.entries(scores).map(([userId, score], i) => ({ rank: i + 1, userId, name: userId.toUpperCase(), score }))
    return this.get('session/s/leaderboard', { revision, metric: 'distance', unit: 'm', total: entries.length, entries }, retained)
  }
}

const page = (): Page => new Page()
const shown = (p: Page): [string, string][] => tiles(p.state).map((t) => [t.userId, tileState(t, p.now)])

describe('samples', () => {
  test('an older or repeated seq does not replace a newer', () => {
    const p = page().sample('ana', 5, { distance: 50 }).sample('ana', 4, { distance: 40 }).sample('ana', 5, { distance: 51 })
    expect(p.state.athletes.get('ana')?.sample).toMatchObject({ seq: 5, distance: 50 })
    p.sample('ana', 6, { distance: 60 })
    expect(p.state.athletes.get('ana')?.sample.distance).toBe(60)
  })
  test('a kept sample that comes late does not replace a live one', () => {
    const p = page().sample('ana', 9, { distance: 90 }).sample('ana', 8, { distance: 80 }, true)
    expect(p.state.athletes.get('ana')?.sample.distance).toBe(90)
  })
  test('a device that starts again at one is believed when its time is later', () => {
    const p = page().sample('ana', 100, { distance: 900 }).sample('ana', 1, { timestamp: iso(t0 + 200_000), distance: 3 })
    expect(p.state.athletes.get('ana')?.sample.distance).toBe(3)
  })
  test('a batch counts in order of seq, whatever its own order', () => {
    const s = (seq: number): object => ({ seq, timestamp: iso(t0 + seq * 1000), heartRate: 100 + seq, status: 'active' })
    const p = page().get('session/s/progress/ana', { samples: [s(3), s(1), s(2)] })
    expect(p.state.athletes.get('ana')?.sample.seq).toBe(3)
    expect(p.state.athletes.get('ana')?.heartRates).toEqual([101, 102, 103])
  })
  test('what was not measured stays absent; a heart rate of zero is no strap', () => {
    const p = page().sample('ana', 1, { heartRate: 0, speed: 0 })
    expect(p.state.athletes.get('ana')?.sample.heartRate).toBeUndefined()
    expect(p.state.athletes.get('ana')?.sample.speed).toBe(0)
    expect(p.state.athletes.get('ana')?.heartRates).toEqual([])
  })
  test('the trend is bounded', () => {
    const p = page()
    for (let i = 1; i <= trendLength + 20; i++) p.sample('ana', i, { heartRate: i })
    const trend = p.state.athletes.get('ana')?.heartRates ?? []
    expect([trend.length, trend[0], trend.at(-1)]).toEqual([trendLength, 21, trendLength + 20])
  })
  test('so are the athletes', () => {
    const p = page()
    for (let i = 0; i < athletesLimit + 5; i++) p.sample(`u${i}`, 1)
    expect(p.state.athletes.size).toBe(athletesLimit)
  })
})

describe('tiles', () => {
  test('a trainer who watches has none, a member who joined waits', () => {
    expect(shown(page().roster(1, 'tess', 'ana'))).toEqual([['ana', 'waiting']])
  })
  test('joining, moving, pausing, silence, finishing, leaving', () => {
    const p = page().roster(1, 'tess', 'ana').sample('ana', 1)
    expect(shown(p)).toEqual([['ana', 'active']])
    p.sample('ana', 2, { status: 'paused' })
    expect(shown(p)).toEqual([['ana', 'paused']])
    p.now += staleAfter + 1
    expect(shown(p)).toEqual([['ana', 'stale']])
    p.sample('ana', 3, { status: 'ended' })
    expect(shown(p)).toEqual([['ana', 'ended']])
    p.sample('ana', 4)
    p.roster(2, 'tess')
    expect(shown(p)).toEqual([['ana', 'left']])
    expect(p.state.roster?.participants.map((x) => x.userId)).toEqual(['tess'])
  })
  test('a kept sample is as old as it says', () => {
    const p = page()
    p.now = t0 + 60_000
    p.roster(1, 'ana').sample('ana', 1, {}, true)
    expect(shown(p)).toEqual([['ana', 'stale']])
  })
  test('a device whose clock is wrong is not stale while it sends', () => {
    const p = page().roster(1, 'ana').sample('ana', 1, { timestamp: iso(t0 - 3_600_000) })
    expect(shown(p)).toEqual([['ana', 'active']])
  })
  test('an emptied topic ends the tile and keeps its numbers', () => {
    const p = page().roster(1, 'ana').sample('ana', 1, { distance: 10 }).get('session/s/progress/ana', '')
    expect(shown(p)).toEqual([['ana', 'ended']])
    expect(p.state.athletes.get('ana')?.sample.distance).toBe(10)
  })
  test('the end of the session ends everybody who moved', () => {
    const p = page().roster(1, 'ana').sample('ana', 1).get('session/s/info', { state: 'ended', title: 'T' })
    p.now += staleAfter + 1
    expect(shown(p)).toEqual([['ana', 'ended']])
  })
  test('stand in race order, without a place last', () => {
    const p = page().roster(1, 'ana', 'ben', 'cem').sample('ana', 1).sample('ben', 1).sample('cem', 1).board(1, { cem: 30, ana: 20 })
    expect(shown(p).map(([id]) => id)).toEqual(['cem', 'ana', 'ben'])
  })
})

describe('boards', () => {
  test('gaps to the leader, and places on the lane', () => {
    const rows = race(page().board(1, { ana: 7242.48, ben: 7204.78 }).state)
    expect(rows.map((r) => [r.userId, r.rank, r.gap.toFixed(2)])).toEqual([['ana', 1, '0.00'], ['ben', 2, '37.70']])
    expect(rows[0]?.place).toBe(1)
    expect(rows[1]?.place).toBeGreaterThan(0.5)
  })
  test('the first board is no lead change, the next leader is', () => {
    const p = page().board(1, { ana: 10, ben: 9 })
    expect(p.state.lead).toBeUndefined()
    p.board(2, { ben: 12, ana: 11 })
    expect(p.state.lead).toMatchObject({ userId: 'ben', count: 1 })
    expect(p.state.feed.map((f) => [f.kind, f.userId])).toEqual([['lead', 'ben']])
    p.board(3, { ben: 14, ana: 13 })
    expect(p.state.lead?.count).toBe(1)
  })
  test('a lead of a moment leaves no line, a longer one does', () => {
    const p = page().board(1, { ana: 10, ben: 9 }).board(2, { ben: 12, ana: 11 })
    p.now += 1000
    p.board(3, { ana: 14, ben: 13 })
    p.now += 6000
    p.board(4, { ben: 16, ana: 15 })
    expect(p.state.feed.map((f) => f.userId)).toEqual(['ben', 'ana'])
    expect(p.state.lead).toMatchObject({ userId: 'ben', count: 3 })
  })
  test('a kept board that was overtaken does not count; after a new connection it does', () => {
    const p = page().board(5, { ana: 50 }).board(4, { ana: 40 }, true)
    expect(p.state.board?.entries[0]?.score).toBe(50)
    p.state = reconnected(p.state)
    p.board(1, { ana: 55 }, true)
    expect(p.state.board?.entries[0]?.score).toBe(55)
  })
  test('nobody on the board', () => {
    expect(race(page().board(1, {}).state)).toEqual([])
  })
})

describe('challenge', () => {
  const entry = { rank: 1, userId: 'ana', name: 'Ana', score: 7242.48, reachedAt: iso(t0) }
  test('board, status and my rank', () => {
    const p = page()
      .get('challenge/c/leaderboard', { challengeId: 'c', revision: 2, metric: 'distance', unit: 'm', total: 1, entries: [entry] })
      .get('challenge/c/status', { state: 'active', startsAt: iso(t0), endsAt: '0001-01-01T00:00:00Z', participants: 2, activities: 1, sum: 7242.48, revision: 2 })
      .get('challenge/c/rank/tess', { challengeId: 'c', revision: 2, userId: 'tess', rank: 40, score: 1, total: 90, above: [], below: [] })
      .get('challenge/c/rank/ana', { challengeId: 'c', revision: 2, userId: 'ana', rank: 1, score: 2, total: 90 })
    expect(p.state.challengeBoard?.entries).toEqual([{ rank: 1, userId: 'ana', name: 'Ana', score: 7242.48 }])
    expect(p.state.challengeStatus).toMatchObject({ sum: 7242.48, endsAt: undefined })
    expect(p.state.rank?.rank).toBe(40)
  })
  test('an award told twice shows once', () => {
    const award = { achievementId: 'a1', kind: 'distance', userId: 'tess', challengeId: 'c', value: 5100, threshold: 5000, unit: 'm', timestamp: iso(t0) }
    const p = page().get('challenge/c/achievements', award).get('user/tess/achievement', award)
    expect(p.state.feed).toHaveLength(1)
  })
})

describe('what comes in from outside', () => {
  test.each([
    ['not JSON', 'session/s/info', '{'],
    ['a list', 'session/s/info', '[]'],
    ['a state nobody knows', 'session/s/info', { state: 'sleeping' }],
    ['a score in words', 'session/s/leaderboard', { entries: [{ rank: 1, userId: 'ana', score: 'many' }] }],
    ['a roster without people', 'session/s/participants', { revision: 1 }],
    ['a sample without seq', 'session/s/progress/ana', { timestamp: iso(t0) }],
    ['a sample without a time', 'session/s/progress/ana', { seq: 1, timestamp: 'noon' }],
    ['a heart rate in words', 'session/s/progress/ana', { seq: 1, timestamp: iso(t0), heartRate: 'fast' }],
    ['an empty event', 'session/s/events', ''],
  ])('%s is counted and changes nothing', (_, topic, value) => {
    const before = page().roster(1, 'ana').sample('ana', 1).board(1, { ana: 10 }).get('session/s/info', { state: 'live', title: 'T' }).state
    const after = receive(before, { topic, payload: bytes(value), retained: false }, t0)
    expect(after.malformed).toBe(1)
    expect(after.fault).toContain(topic)
    expect({ ...after, malformed: 0, fault: undefined }).toEqual({ ...before, fault: undefined })
  })
  test('bytes that are not UTF-8', () => {
    const after = receive(page().state, { topic: 'session/s/info', payload: new Uint8Array([0xff, 0xfe]), retained: false }, t0)
    expect(after.malformed).toBe(1)
  })
  test('topics of other rooms, and of rooms not known, are not ours', () => {
    const p = page().get('session/other/info', '{').get('challenge/other/status', '{').get('user/ana/error', '{').get('session/s/chat', '{').get('x', '{')
    expect(p.state.malformed).toBe(0)
  })
  test('members nobody knows are ignored', () => {
    const p = page().get('session/s/info', { state: 'live', title: 'T', mood: 'good' })
    expect(p.state.info?.title).toBe('T')
  })
})

describe('feed', () => {
  test('newest first, told once, bounded', () => {
    const p = page()
    for (let i = 0; i < feedLength + 10; i++) {
      p.get('session/s/events', { type: 'participant-joined', sessionId: 's', userId: `u${i}`, name: `U${i}`, timestamp: iso(t0 + i) })
    }
    p.get('session/s/events', { type: 'participant-joined', sessionId: 's', userId: 'u49', name: 'U49', timestamp: iso(t0 + 49) })
    expect(p.state.feed).toHaveLength(feedLength)
    expect(p.state.feed[0]?.userId).toBe('u49')
  })
  test('a refusal of mine says why', () => {
    const p = page().get('user/tess/error', { topic: 'session/s/progress/ana', code: 135, reason: 'not your topic', timestamp: iso(t0) })
    expect(p.state.feed[0]).toMatchObject({ kind: 'refusal', text: 'not your topic' })
  })
})
