// The payloads that the broker sends, and the decoders that let nothing else in.
//
// A decoder checks what the page relies on and ignores members it does not know, so that a newer broker
// can say more. What is wrong is thrown as a DecodeError; the caller counts it and goes on.

/** What a live session is at the moment (topic session/{sid}/info). */
export interface SessionInfo {
  title: string
  kind: string
  state: 'scheduled' | 'live' | 'paused' | 'ended'
  host?: string | undefined
  trainer?: string | undefined
  rankBy?: string | undefined
  startedAt?: string | undefined
}

/** One person on the roster (session/{sid}/participants). */
export interface Participant {
  userId: string
  name: string
  role: string
  joinedAt?: string | undefined
}

export interface Roster {
  revision: number
  participants: Participant[]
}

/** A live sample (session/{sid}/progress/{uid}); SI units, what was not measured is absent. */
export interface Sample {
  seq: number
  /** Milliseconds since 1970, from the payload's RFC 3339 timestamp. */
  timestamp: number
  elapsedTime?: number | undefined
  sport?: string | undefined
  status: 'active' | 'paused' | 'ended'
  heartRate?: number | undefined
  cadence?: number | undefined
  power?: number | undefined
  speed?: number | undefined
  distance?: number | undefined
  calories?: number | undefined
}

export interface BoardEntry {
  rank: number
  userId: string
  name: string
  score: number
}

/** A leaderboard of a session or of a challenge. */
export interface Board {
  revision: number
  metric: string
  unit: string
  total: number
  entries: BoardEntry[]
}

/** My own place (challenge/{cid}/rank/{uid}). */
export interface Rank {
  revision: number
  userId: string
  rank: number
  score: number
  total: number
}

export interface ChallengeInfo {
  title: string
  metric: string
  order: 'desc' | 'asc'
  goal?: number | undefined
}

export interface ChallengeStatus {
  revision: number
  state: 'scheduled' | 'active' | 'ended'
  startsAt?: number | undefined
  endsAt?: number | undefined
  participants: number
  activities: number
  sum: number
  goal?: number | undefined
  goalProgress?: number | undefined
}

/** Something that happened in a session (session/{sid}/events). */
export interface SessionEvent {
  type: string
  userId?: string | undefined
  name?: string | undefined
  reason?: string | undefined
  timestamp: number
}

export interface Achievement {
  achievementId: string
  kind: string
  userId: string
  name?: string | undefined
  threshold?: number | undefined
  value?: number | undefined
  unit?: string | undefined
  timestamp: number
}

/** Why something of mine was refused (user/{me}/error). */
export interface Refusal {
  topic: string
  reason: string
  timestamp: number
}

/** A message on my own feed (user/{me}/notification). */
export interface Notification {
  messageId: string
  content: string
  timestamp: number
}

/** A payload that does not have the shape its topic promises. */
export class DecodeError extends Error {
  constructor(field: string, expected: string) {
    super(`${field}: expected ${expected}`)
    this.name = 'DecodeError'
  }
}

type Fields = Record<string, unknown>

/** The largest payload that is looked at, in bytes; the broker's own limit for a board is far below. */
export const maxPayload = 256 * 1024

/** Parses a payload as a JSON object. */
export function parseObject(payload: Uint8Array): Fields {
  if (payload.byteLength > maxPayload) throw new DecodeError('payload', `at most ${maxPayload} bytes`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    throw new DecodeError('payload', 'a JSON object in UTF-8')
  }
  return object(value, 'payload')
}

function object(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new DecodeError(field, 'an object')
  return value as Fields
}

function list(o: Fields, field: string): unknown[] {
  const value = o[field]
  if (!Array.isArray(value)) throw new DecodeError(field, 'a list')
  return value
}

function text(o: Fields, field: string): string {
  const value = o[field]
  if (typeof value !== 'string' || value === '') throw new DecodeError(field, 'text')
  return value
}

function optionalText(o: Fields, field: string): string | undefined {
  const value = o[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function number(o: Fields, field: string): number {
  const value = o[field]
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new DecodeError(field, 'a number')
  return value
}

function optionalNumber(o: Fields, field: string): number | undefined {
  if (o[field] === undefined || o[field] === null) return undefined
  return number(o, field)
}

function oneOf<T extends string>(o: Fields, field: string, allowed: readonly T[]): T {
  const value = o[field]
  const found = allowed.find((a) => a === value)
  if (found === undefined) throw new DecodeError(field, allowed.join(', '))
  return found
}

function time(o: Fields, field: string): number {
  const ms = Date.parse(text(o, field))
  if (Number.isNaN(ms)) throw new DecodeError(field, 'an RFC 3339 time')
  return ms
}

function optionalTime(o: Fields, field: string): number | undefined {
  if (optionalText(o, field) === undefined) return undefined
  const ms = time(o, field)
  // A Go zero time means "not set"; nothing here happened before 1970.
  return ms > 0 ? ms : undefined
}

export function decodeSessionInfo(o: Fields): SessionInfo {
  return {
    title: optionalText(o, 'title') ?? '',
    kind: optionalText(o, 'kind') ?? 'workout',
    state: oneOf(o, 'state', ['scheduled', 'live', 'paused', 'ended'] as const),
    host: optionalText(o, 'host'),
    trainer: optionalText(o, 'trainer'),
    rankBy: optionalText(o, 'rankBy'),
    startedAt: optionalText(o, 'startedAt'),
  }
}

export function decodeRoster(o: Fields): Roster {
  return {
    revision: optionalNumber(o, 'revision') ?? 0,
    participants: list(o, 'participants').map((raw, i) => {
      const p = object(raw, `participants[${i}]`)
      const userId = text(p, 'userId')
      return {
        userId,
        name: optionalText(p, 'name') ?? userId,
        role: optionalText(p, 'role') ?? 'member',
        joinedAt: optionalText(p, 'joinedAt'),
      }
    }),
  }
}

/** Decodes a sample, or the batch form of a device that was away; oldest first. */
export function decodeSamples(o: Fields): Sample[] {
  if (o['samples'] === undefined) return [decodeSample(o)]
  return list(o, 'samples')
    .map((raw, i) => decodeSample(object(raw, `samples[${i}]`)))
    .sort((a, b) => a.seq - b.seq)
}

function decodeSample(o: Fields): Sample {
  const heartRate = optionalNumber(o, 'heartRate')
  return {
    seq: number(o, 'seq'),
    timestamp: time(o, 'timestamp'),
    elapsedTime: optionalNumber(o, 'elapsedTime'),
    sport: optionalText(o, 'sport'),
    status: o['status'] === undefined ? 'active' : oneOf(o, 'status', ['active', 'paused', 'ended'] as const),
    heartRate: heartRate === 0 ? undefined : heartRate, // 0 is how a device without a strap says "not measured"
    cadence: optionalNumber(o, 'cadence'),
    power: optionalNumber(o, 'power'),
    speed: optionalNumber(o, 'speed'),
    distance: optionalNumber(o, 'distance'),
    calories: optionalNumber(o, 'calories'),
  }
}

export function decodeBoard(o: Fields): Board {
  const entries = list(o, 'entries').map((raw, i) => {
    const e = object(raw, `entries[${i}]`)
    const userId = text(e, 'userId')
    return { rank: number(e, 'rank'), userId, name: optionalText(e, 'name') ?? userId, score: number(e, 'score') }
  })
  entries.sort((a, b) => a.rank - b.rank)
  return {
    revision: optionalNumber(o, 'revision') ?? 0,
    metric: optionalText(o, 'metric') ?? '',
    unit: optionalText(o, 'unit') ?? '',
    total: optionalNumber(o, 'total') ?? entries.length,
    entries,
  }
}

export function decodeRank(o: Fields): Rank {
  return {
    revision: optionalNumber(o, 'revision') ?? 0,
    userId: text(o, 'userId'),
    rank: number(o, 'rank'),
    score: number(o, 'score'),
    total: optionalNumber(o, 'total') ?? 0,
  }
}

export function decodeChallengeInfo(o: Fields): ChallengeInfo {
  return {
    title: optionalText(o, 'title') ?? '',
    metric: optionalText(o, 'metric') ?? '',
    order: o['order'] === 'asc' ? 'asc' : 'desc',
    goal: optionalNumber(o, 'goal'),
  }
}

export function decodeChallengeStatus(o: Fields): ChallengeStatus {
  return {
    revision: optionalNumber(o, 'revision') ?? 0,
    state: oneOf(o, 'state', ['scheduled', 'active', 'ended'] as const),
    startsAt: optionalTime(o, 'startsAt'),
    endsAt: optionalTime(o, 'endsAt'),
    participants: optionalNumber(o, 'participants') ?? 0,
    activities: optionalNumber(o, 'activities') ?? 0,
    sum: optionalNumber(o, 'sum') ?? 0,
    goal: optionalNumber(o, 'goal'),
    goalProgress: optionalNumber(o, 'goalProgress'),
  }
}

export function decodeSessionEvent(o: Fields): SessionEvent {
  return {
    type: text(o, 'type'),
    userId: optionalText(o, 'userId'),
    name: optionalText(o, 'name'),
    reason: optionalText(o, 'reason'),
    timestamp: time(o, 'timestamp'),
  }
}

export function decodeAchievement(o: Fields): Achievement {
  return {
    achievementId: text(o, 'achievementId'),
    kind: text(o, 'kind'),
    userId: text(o, 'userId'),
    name: optionalText(o, 'name'),
    threshold: optionalNumber(o, 'threshold'),
    value: optionalNumber(o, 'value'),
    unit: optionalText(o, 'unit'),
    timestamp: time(o, 'timestamp'),
  }
}

export function decodeRefusal(o: Fields): Refusal {
  return { topic: text(o, 'topic'), reason: text(o, 'reason'), timestamp: time(o, 'timestamp') }
}

export function decodeNotification(o: Fields): Notification {
  return { messageId: text(o, 'messageId'), content: text(o, 'content'), timestamp: time(o, 'timestamp') }
}
