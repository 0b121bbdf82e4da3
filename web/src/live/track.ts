// What the page adds to the state of a session that the client keeps: everybody's course, changes of the lead, and
// what happened. Pure: no clock, no network, no DOM.
import type { Achievement, Leaderboard, LiveSample, Milestone, Participant, SessionEvent } from '@fitmq/client'

/** Points a sparkline keeps; older ones go. */
export const trendLength = 90
/** Entries the feed keeps; older ones go. */
export const feedLength = 40
/** Athletes the page keeps; samples of further ones are left out (the largest live class is below). */
export const athletesLimit = 2000
/** A lead shorter than this, in ms, leaves no line in the feed. */
const leadSettles = 5_000
/** A device that starts again counts from one; this much newer a timestamp gives it away, in ms. */
const restartAfter = 10_000

export interface Athlete {
  userId: string
  sample: LiveSample
  /** When the sample was true, in this machine's clock: its arrival, or its own time when it was kept. */
  heardAt: number
  /** Heart rates and speeds, oldest first, at most trendLength. */
  heartRates: readonly number[]
  speeds: readonly number[]
}

export type FeedKind = 'join' | 'leave' | 'session' | 'lead' | 'award' | 'milestone'

export interface FeedItem {
  /** The same thing told twice has the same key and shows once. */
  key: string
  kind: FeedKind
  at: number
  /** The session event's type, for kind session. */
  event?: string
  userId?: string | undefined
  name?: string | undefined
  award?: Achievement
  milestone?: Milestone
}

export interface LeadChange {
  userId: string
  name: string
  at: number
  /** Rises with each change, so that the same name twice is two announcements. */
  count: number
}

export interface Track {
  /** Everybody who was ever on the roster or a board, for names after they left. */
  names: Readonly<Record<string, string>>
  /** Where their heart-rate zones end, in bpm, of those whose roster entry said so. */
  zones: Readonly<Record<string, number>>
  athletes: ReadonlyMap<string, Athlete>
  /** Who led on the last board. */
  leader?: string
  lead?: LeadChange
  feed: readonly FeedItem[]
}

export const emptyTrack: Track = { names: {}, zones: {}, athletes: new Map(), feed: [] }

/** A sample. The first one of an athlete may have been kept and tells its own age. */
export function withSample(t: Track, userId: string, sample: LiveSample, now: number): Track {
  const known = t.athletes.get(userId)
  if (known === undefined && t.athletes.size >= athletesLimit) return t
  const time = Date.parse(sample.timestamp)
  if (known !== undefined && sample.seq <= known.sample.seq) {
    const startedAgain = time > Date.parse(known.sample.timestamp) + restartAfter
    if (!startedAgain) return t
  }
  const athlete: Athlete = {
    userId,
    sample,
    // A live one is as old as its way here, whatever the device's clock says.
    heardAt: known === undefined && !Number.isNaN(time) ? Math.min(now, time) : now,
    heartRates: pushed(known?.heartRates ?? [], sample.heartRate || undefined),
    speeds: pushed(known?.speeds ?? [], sample.speed),
  }
  return { ...t, athletes: new Map(t.athletes).set(userId, athlete) }
}

/** A session's board. Somebody else in front is a change of the lead; the first board of a page is none. */
export function withBoard(t: Track, board: Leaderboard, now: number): Track {
  const leader = board.entries[0]
  const named = withPeople(t, board.entries)
  if (leader === undefined || t.leader === leader.userId) return named
  const next = { ...named, leader: leader.userId }
  if (t.leader === undefined) return next
  const lead = { userId: leader.userId, name: leader.name, at: now, count: (t.lead?.count ?? 0) + 1 }
  // Two who pass each other again and again are one line of the feed, the last.
  const feed = t.feed.filter((f) => f.kind !== 'lead' || now - f.at > leadSettles)
  return withFeed({ ...next, lead, feed }, { key: `lead:${lead.count}`, kind: 'lead', at: now, userId: leader.userId, name: leader.name })
}

export function withPeople(t: Track, people: readonly { userId: string; name: string }[]): Track {
  if (people.every((p) => t.names[p.userId] === p.name)) return t
  return { ...t, names: { ...t.names, ...Object.fromEntries(people.map((p) => [p.userId, p.name])) } }
}

export function withEvent(t: Track, e: SessionEvent): Track {
  const at = Date.parse(e.timestamp)
  const base = { key: `${e.type}:${e.userId ?? ''}:${e.timestamp}`, at, event: e.type, userId: e.userId, name: e.name }
  switch (e.type) {
    case 'participant-joined':
      return withFeed(t, { ...base, kind: 'join' })
    case 'participant-left':
      return withFeed(t, { ...base, kind: 'leave' })
    case 'milestone':
      return e.data === undefined ? t : withFeed(t, { ...base, key: `${base.key}:${e.data.milestone}:${e.data.value}`, kind: 'milestone', milestone: e.data })
    default:
      return withFeed(t, { ...base, kind: 'session' })
  }
}

/** An award; the challenge's feed and one's own tell the same one once. */
export function withAward(t: Track, a: Achievement): Track {
  return withFeed(t, { key: `award:${a.achievementId}`, kind: 'award', at: Date.parse(a.timestamp), userId: a.userId, name: a.name, award: a })
}

/** The roster: names, and where everybody's heart-rate zones end. */
export function withRoster(t: Track, people: readonly Participant[]): Track {
  const named = withPeople(t, people)
  const news = people.flatMap((p) => (p.zonesMaxHeartRate === undefined || t.zones[p.userId] === p.zonesMaxHeartRate ? [] : [[p.userId, p.zonesMaxHeartRate]]))
  return news.length === 0 ? named : { ...named, zones: { ...t.zones, ...Object.fromEntries(news) as Record<string, number> } }
}

function withFeed(t: Track, item: FeedItem): Track {
  if (Number.isNaN(item.at) || t.feed.some((f) => f.key === item.key)) return t
  return { ...t, feed: [item, ...t.feed].sort((a, b) => b.at - a.at).slice(0, feedLength) }
}

function pushed(values: readonly number[], value: number | undefined): readonly number[] {
  if (value === undefined) return values
  return values.length < trendLength ? [...values, value] : [...values.slice(1 - trendLength), value]
}
