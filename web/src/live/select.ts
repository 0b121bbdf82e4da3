// What the page shows, derived from what it knows. Pure.
import type { Leaderboard, Participant, SessionInfo } from '@fitmq/client'
import { heartRateZone, type Zone } from '../format'
import type { Athlete, Track } from './track'

/** Silence after which an athlete's numbers count as old, in ms. */
export const staleAfter = 10_000

export type TileState = 'active' | 'paused' | 'stale' | 'ended' | 'left' | 'waiting'

/** What the client knows of the session. */
export interface Room {
  readonly info?: Pick<SessionInfo, 'state' | 'trainer'> | undefined
  readonly participants: readonly Participant[]
  readonly leaderboard?: Leaderboard | undefined
}

export interface Tile {
  userId: string
  name: string
  rank: number | undefined
  athlete: Athlete | undefined
  here: boolean
  /** The heart-rate zone that the athlete is in, of their own zones. */
  zone: Zone | undefined
  /** The session has ended, so nobody's numbers are missing any more. */
  over: boolean
}

export interface RaceRow {
  userId: string
  name: string
  rank: number
  score: number
  /** Behind the leader, in the board's unit, 0 for the leader. */
  gap: number
  /** 0..1 on the lane that reaches from the last to the leader. */
  place: number
}

/**
 * One tile per athlete: in race order, then those without a place by name, those who left last.
 * The trainer has a tile only when moving too.
 */
export function tiles(room: Room, t: Track): Tile[] {
  const here = new Map(room.participants.map((p) => [p.userId, p]))
  const ranks = new Map((room.leaderboard?.entries ?? []).map((e) => [e.userId, e.rank]))
  const ids = new Set(t.athletes.keys())
  for (const p of here.values()) {
    if (p.role !== 'trainer' && p.userId !== room.info?.trainer) ids.add(p.userId)
  }
  const made = [...ids].map((userId) => ({
    userId,
    name: t.names[userId] ?? here.get(userId)?.name ?? userId,
    rank: ranks.get(userId),
    athlete: t.athletes.get(userId),
    here: here.size === 0 || here.has(userId),
    zone: heartRateZone(t.athletes.get(userId)?.sample.heartRate, t.zones[userId]),
    over: room.info?.state === 'ended',
  }))
  return made.sort(
    (a, b) =>
      Number(b.here || b.rank !== undefined) - Number(a.here || a.rank !== undefined) ||
      (a.rank ?? Infinity) - (b.rank ?? Infinity) ||
      Number(b.athlete !== undefined) - Number(a.athlete !== undefined) ||
      (a.name < b.name ? -1 : 1),
  )
}

export function tileState(t: Tile, now: number): TileState {
  if (t.athlete === undefined) return t.here ? 'waiting' : 'left'
  if (t.over || t.athlete.sample.status === 'ended') return 'ended'
  if (!t.here) return 'left'
  if (now - t.athlete.heardAt > staleAfter) return 'stale'
  return t.athlete.sample.status === 'paused' ? 'paused' : 'active'
}

/** The session's board with gaps and places on the lane; the spread is never drawn wider than it matters. */
export function race(board: Leaderboard | undefined): RaceRow[] {
  const entries = board?.entries ?? []
  const leader = entries[0]
  if (leader === undefined) return []
  const gaps = entries.map((e) => Math.abs(leader.score - e.score))
  // A lane that just holds the widest gap; at least 2 % of the leader's score, so that equals stay close.
  const span = Math.max(...gaps, Math.abs(leader.score) * 0.02, 1e-9) * 1.25
  return entries.map((e, i) => ({
    userId: e.userId,
    name: e.name,
    rank: e.rank,
    score: e.score,
    gap: gaps[i] ?? 0,
    place: 1 - (gaps[i] ?? 0) / span,
  }))
}

/** Whole seconds until a moment, 0 once it has come; undefined for what is no time. */
export function secondsUntil(time: string | undefined, now: number): number | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.ceil((ms - now) / 1000))
}
