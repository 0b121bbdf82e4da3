import type { Leaderboard, LiveSample, Participant, SessionEvent } from '@fitmq/client'
import { describe, expect, test } from 'vitest'
import { race, secondsUntil, staleAfter, tiles, tileState } from './select'
import { athletesLimit, emptyTrack, feedLength, trendLength, withAward, withBoard, withEvent, withPeople, withRoster, withSample, type Track } from './track'

const t0 = Date.parse('2026-06-04T10:00:00Z')
const iso = (ms: number): string => new Date(ms).toISOString()

/** A page that watches a session. */
class Page {
  track: Track = emptyTrack
  now = t0
  people: Participant[] = []
  leaderboard: Leaderboard | undefined
  state: 'live' | 'ended' = 'live'

  sample(user: string, seq: number, more: Partial<LiveSample> = {}): this {
    const sample: LiveSample = { seq, timestamp: iso(t0 + seq * 1000), elapsedTime: seq, sport: 'running', status: 'active', ...more }
    this.track = withSample(this.track, user, sample, this.now)
    return this
  }

  roster(...users: string[]): this {
    this.people = users.map((u) => ({ userId: u, name: u.toUpperCase(), role: u === 'tess' ? 'trainer' : 'participant', joinedAt: iso(t0) }))
    this.track = withPeople(this.track, this.people)
    return this
  }

  board(scores: Record<string, number>): this {
    const entries = Object.entries(scores).map(([userId, score], i) => ({ rank: i + 1, userId, name: userId.toUpperCase(), score, reachedAt: iso(t0) }))
    this.leaderboard = { revision: 1, metric: 'distance', unit: 'm', total: entries.length, entries }
    this.track = withBoard(this.track, this.leaderboard, this.now)
    return this
  }

  event(e: Partial<SessionEvent>): this {
    this.track = withEvent(this.track, { type: 'participant-joined', sessionId: 's', timestamp: iso(t0), ...e })
    return this
  }

  get shown(): [string, string][] {
    const room = { info: { state: this.state, trainer: 'tess' }, participants: this.people, leaderboard: this.leaderboard }
    return tiles(room, this.track).map((t) => [t.userId, tileState(t, this.now)])
  }
}

const page = (): Page => new Page()

describe('samples', () => {
  test('an older or repeated seq does not replace a newer', () => {
    const p = page().sample('ana', 5, { distance: 50 }).sample('ana', 4, { distance: 40 }).sample('ana', 5, { distance: 51 })
    expect(p.track.athletes.get('ana')?.sample).toMatchObject({ seq: 5, distance: 50 })
    p.sample('ana', 6, { distance: 60 })
    expect(p.track.athletes.get('ana')?.sample.distance).toBe(60)
  })
  test('a device that starts again at one is believed when its time is later', () => {
    const p = page().sample('ana', 100, { distance: 900 }).sample('ana', 1, { timestamp: iso(t0 + 200_000), distance: 3 })
    expect(p.track.athletes.get('ana')?.sample.distance).toBe(3)
  })
  test('what was not measured stays absent; a heart rate of zero is no strap', () => {
    const p = page().sample('ana', 1, { heartRate: 0, speed: 0 })
    expect(p.track.athletes.get('ana')).toMatchObject({ heartRates: [], speeds: [0] })
  })
  test('the trend is bounded', () => {
    const p = page()
    for (let i = 1; i <= trendLength + 20; i++) p.sample('ana', i, { heartRate: i })
    const trend = p.track.athletes.get('ana')?.heartRates ?? []
    expect([trend.length, trend[0], trend.at(-1)]).toEqual([trendLength, 21, trendLength + 20])
  })
  test('so are the athletes', () => {
    const p = page()
    for (let i = 0; i < athletesLimit + 5; i++) p.sample(`u${i}`, 1)
    expect(p.track.athletes.size).toBe(athletesLimit)
  })
})

describe('tiles', () => {
  test('a trainer who watches has none, a participant who joined waits', () => {
    expect(page().roster('tess', 'ana').shown).toEqual([['ana', 'waiting']])
  })
  test('joining, moving, pausing, silence, finishing, leaving', () => {
    const p = page().roster('tess', 'ana').sample('ana', 1)
    expect(p.shown).toEqual([['ana', 'active']])
    p.sample('ana', 2, { status: 'paused' })
    expect(p.shown).toEqual([['ana', 'paused']])
    p.now += staleAfter + 1
    expect(p.shown).toEqual([['ana', 'stale']])
    p.sample('ana', 3, { status: 'ended' })
    expect(p.shown).toEqual([['ana', 'ended']])
    p.sample('ana', 4).roster('tess')
    expect(p.shown).toEqual([['ana', 'left']])
  })
  test('a kept sample is as old as it says', () => {
    const p = page().roster('ana')
    p.now = t0 + 60_000
    expect(p.sample('ana', 1).shown).toEqual([['ana', 'stale']])
  })
  test('a device whose clock is wrong is not stale while it sends', () => {
    const p = page().roster('ana').sample('ana', 1, { timestamp: iso(t0 - 3_600_000) }).sample('ana', 2, { timestamp: iso(t0 - 3_599_000) })
    expect(p.shown).toEqual([['ana', 'active']])
  })
  test('the end of the session ends everybody who moved', () => {
    const p = page().roster('ana').sample('ana', 1)
    p.state = 'ended'
    p.now += staleAfter + 1
    expect(p.shown).toEqual([['ana', 'ended']])
  })
  test('stand in race order, without a place last, those who only watch behind them', () => {
    const p = page().roster('abe', 'ana', 'ben', 'cem').sample('ana', 1).sample('ben', 1).sample('cem', 1).board({ cem: 30, ana: 20 })
    expect(p.shown.map(([id]) => id)).toEqual(['cem', 'ana', 'ben', 'abe'])
  })
})

describe('boards', () => {
  test('gaps to the leader, and places on the lane', () => {
    const rows = race(page().board({ ana: 7242.48, ben: 7204.78 }).leaderboard)
    expect(rows.map((r) => [r.userId, r.rank, r.gap.toFixed(2)])).toEqual([['ana', 1, '0.00'], ['ben', 2, '37.70']])
    expect(rows[0]?.place).toBe(1)
    expect(rows[1]?.place).toBeGreaterThan(0.5)
  })
  test('the first board is no lead change, the next leader is', () => {
    const p = page().board({ ana: 10, ben: 9 })
    expect(p.track.lead).toBeUndefined()
    p.board({ ben: 12, ana: 11 })
    expect(p.track.lead).toMatchObject({ userId: 'ben', count: 1 })
    expect(p.track.feed.map((f) => [f.kind, f.userId])).toEqual([['lead', 'ben']])
    p.board({ ben: 14, ana: 13 })
    expect(p.track.lead?.count).toBe(1)
  })
  test('a lead of a moment leaves no line, a longer one does', () => {
    const p = page().board({ ana: 10, ben: 9 }).board({ ben: 12, ana: 11 })
    p.now += 1000
    p.board({ ana: 14, ben: 13 })
    p.now += 6000
    p.board({ ben: 16, ana: 15 })
    expect(p.track.feed.map((f) => f.userId)).toEqual(['ben', 'ana'])
    expect(p.track.lead).toMatchObject({ userId: 'ben', count: 3 })
  })
  test('nobody on the board', () => {
    expect(race(page().board({}).leaderboard)).toEqual([])
  })
})

describe('feed', () => {
  test('newest first, told once, bounded', () => {
    const p = page()
    for (let i = 0; i < feedLength + 10; i++) p.event({ userId: `u${i}`, timestamp: iso(t0 + i) })
    p.event({ userId: 'u49', timestamp: iso(t0 + 49) })
    expect(p.track.feed).toHaveLength(feedLength)
    expect(p.track.feed[0]?.userId).toBe('u49')
  })
  test('an award told twice shows once', () => {
    const award = { achievementId: 'a1', kind: 'distance', userId: 'tess', name: 'Tess', challengeId: 'c', value: 5100, threshold: 5000, unit: 'm', timestamp: iso(t0) }
    expect(withAward(withAward(emptyTrack, award), award).feed).toHaveLength(1)
  })
  test('two milestones of one moment are two', () => {
    const data = { unit: 'km', totalTimerTime: 300, totalDistance: 1000, timestamp: iso(t0), value: 1 }
    const p = page()
      .event({ type: 'milestone', userId: 'ana', data: { ...data, milestone: 'distance' } })
      .event({ type: 'milestone', userId: 'ana', data: { ...data, milestone: 'personalBest', best: 'fastestKm', unit: 's', value: 240 } })
    expect(p.track.feed.map((f) => f.milestone?.milestone).sort()).toEqual(['distance', 'personalBest'])
  })
})

describe('heart-rate zones', () => {
  const person = (userId: string, zonesMaxHeartRate?: number): Participant => ({
    userId, name: userId, role: 'participant', joinedAt: iso(t0), ...(zonesMaxHeartRate === undefined ? {} : { zonesMaxHeartRate }),
  })
  test('are everybody’s own, and stay for who has left', () => {
    let track = withRoster(emptyTrack, [person('ana', 180), person('ben', 200), person('cleo')])
    for (const u of ['ana', 'ben', 'cleo']) track = withSample(track, u, { seq: 1, timestamp: iso(t0), heartRate: 145 }, t0)
    const zones = (people: Participant[]) => tiles({ participants: people }, track).map((x) => [x.userId, x.zone])
    expect(zones([person('ana'), person('ben'), person('cleo')])).toEqual([['ana', 4], ['ben', 3], ['cleo', undefined]])
    expect(zones([person('ben')]).find(([u]) => u === 'ana')).toEqual(['ana', 4])
    track = withRoster(track, [person('ana', 210)])
    expect(zones([person('ana')]).find(([u]) => u === 'ana')).toEqual(['ana', 2])
  })
  test('the same roster again changes nothing', () => {
    const track = withRoster(emptyTrack, [person('ana', 180)])
    expect(withRoster(track, [person('ana', 180)])).toBe(track)
  })
})

test('a countdown ends at 0', () => {
  expect([secondsUntil(iso(t0 + 90_500), t0), secondsUntil(iso(t0 - 5), t0), secondsUntil(undefined, t0), secondsUntil('soon', t0)]).toEqual([91, 0, undefined, undefined])
})
