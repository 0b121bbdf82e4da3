// What the page knows, and how each message changes it. Pure: no clock, no network, no DOM.
//
// Order: on one connection the broker sends each topic in order, so a live message always counts. A message
// that the broker kept (retained) may have been overtaken by a live one and then does not. Samples carry
// their own order in seq.
import {
  DecodeError,
  decodeAchievement,
  decodeBoard,
  decodeChallengeInfo,
  decodeChallengeStatus,
  decodeNotification,
  decodeRank,
  decodeRefusal,
  decodeRoster,
  decodeSamples,
  decodeSessionEvent,
  decodeSessionInfo,
  parseObject,
  type Achievement,
  type Board,
  type ChallengeInfo,
  type ChallengeStatus,
  type Participant,
  type Rank,
  type Roster,
  type Sample,
  type SessionInfo,
} from './protocol'

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
  sample: Sample
  /** When the sample was true, in this machine's clock: its arrival, or its own time when it was kept. */
  heardAt: number
  /** Heart rates and speeds, oldest first, at most trendLength. */
  heartRates: readonly number[]
  speeds: readonly number[]
  /** The broker took the sample back, as it does when the session ends. */
  closed: boolean
}

export type FeedKind = 'join' | 'leave' | 'session' | 'lead' | 'award' | 'notice' | 'refusal'

export interface FeedItem {
  /** The same thing told twice has the same key and shows once. */
  key: string
  kind: FeedKind
  at: number
  /** The session event's type, for kind session. */
  event?: string
  userId?: string | undefined
  name?: string | undefined
  text?: string
  award?: Achievement
}

export interface LeadChange {
  userId: string
  name: string
  at: number
  /** Rises with each change, so that the same name twice is two announcements. */
  count: number
}

export interface LiveState {
  me: string
  session: string
  challenge: string
  info?: SessionInfo
  roster?: Roster
  /** Everybody who was ever on the roster or a board, for names after they left. */
  names: Readonly<Record<string, string>>
  athletes: ReadonlyMap<string, Athlete>
  board?: Board
  lead?: LeadChange
  challengeInfo?: ChallengeInfo
  challengeStatus?: ChallengeStatus
  challengeBoard?: Board
  rank?: Rank
  feed: readonly FeedItem[]
  /** Messages that could not be read, counted. */
  malformed: number
  /** The last malformed message's topic and fault, for the console. */
  fault?: string
  /** When anything last arrived, in this machine's clock; 0 = never. */
  heardAt: number
}

/** One message as it arrived. */
export interface Incoming {
  topic: string
  payload: Uint8Array
  /** Whether the broker sent it because it was kept, not because it just happened. */
  retained: boolean
}

export function initialState(me: string, session: string, challenge: string): LiveState {
  return { me, session, challenge, names: {}, athletes: new Map(), feed: [], malformed: 0, heardAt: 0 }
}

/** The state after a message; a malformed one is counted and changes nothing else. */
export function receive(state: LiveState, message: Incoming, now: number): LiveState {
  const heard = { ...state, heardAt: now }
  try {
    return apply(heard, message, now)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { ...heard, malformed: state.malformed + 1, fault: `${message.topic}: ${error.message}` }
  }
}

/** Forgets revisions when a connection is new: a broker may start counting again. */
export function reconnected(state: LiveState): LiveState {
  const next = { ...state }
  if (next.roster) next.roster = { ...next.roster, revision: 0 }
  if (next.board) next.board = { ...next.board, revision: 0 }
  if (next.challengeBoard) next.challengeBoard = { ...next.challengeBoard, revision: 0 }
  if (next.challengeStatus) next.challengeStatus = { ...next.challengeStatus, revision: 0 }
  if (next.rank) next.rank = { ...next.rank, revision: 0 }
  return next
}

function apply(s: LiveState, m: Incoming, now: number): LiveState {
  const [room, id, ...rest] = m.topic.split('/')
  const leaf = rest.join('/')
  if (room === 'session' && id === s.session) return applySession(s, leaf, m, now)
  if (room === 'challenge' && id === s.challenge) return applyChallenge(s, leaf, m)
  if (room === 'user' && id === s.me) return applyUser(s, leaf, m)
  return s
}

function applySession(s: LiveState, leaf: string, m: Incoming, now: number): LiveState {
  if (leaf.startsWith('progress/')) return applyProgress(s, leaf.slice('progress/'.length), m, now)
  switch (leaf) {
    case 'info': {
      if (m.payload.byteLength === 0) return without(s, 'info')
      return { ...s, info: decodeSessionInfo(parseObject(m.payload)) }
    }
    case 'participants': {
      if (m.payload.byteLength === 0) return without(s, 'roster')
      const roster = decodeRoster(parseObject(m.payload))
      if (isOlder(roster, s.roster, m)) return s
      return { ...s, roster, names: withNames(s.names, roster.participants) }
    }
    case 'leaderboard': {
      if (m.payload.byteLength === 0) return without(s, 'board')
      const board = decodeBoard(parseObject(m.payload))
      if (isOlder(board, s.board, m)) return s
      return withLead({ ...s, board, names: withNames(s.names, board.entries) }, s.board, now)
    }
    case 'events':
      return applyEvent(s, m)
    default:
      return s // chat, form corrections and what comes later are not this page's
  }
}

function applyEvent(s: LiveState, m: Incoming): LiveState {
  const e = decodeSessionEvent(parseObject(m.payload))
  const kind: FeedKind = e.type === 'participant-joined' ? 'join' : e.type === 'participant-left' ? 'leave' : 'session'
  const key = `${e.type}:${e.userId ?? ''}:${e.timestamp}`
  return withFeed(s, { key, kind, at: e.timestamp, event: e.type, userId: e.userId, name: e.name })
}

function applyProgress(s: LiveState, userId: string, m: Incoming, now: number): LiveState {
  const known = s.athletes.get(userId)
  if (m.payload.byteLength === 0) {
    if (known === undefined || known.closed) return s
    return { ...s, athletes: new Map(s.athletes).set(userId, { ...known, closed: true }) }
  }
  if (known === undefined && s.athletes.size >= athletesLimit) return s
  let athlete = known
  for (const sample of decodeSamples(parseObject(m.payload))) {
    // A kept sample tells its own age; a live one is as old as its way here, whatever the device's clock says.
    const heardAt = m.retained ? Math.min(now, sample.timestamp) : now
    athlete = withSample(athlete, userId, sample, heardAt)
  }
  if (athlete === undefined || athlete === known) return s
  return { ...s, athletes: new Map(s.athletes).set(userId, athlete) }
}

function withSample(known: Athlete | undefined, userId: string, sample: Sample, heardAt: number): Athlete {
  if (known !== undefined && sample.seq <= known.sample.seq) {
    const startedAgain = sample.timestamp > known.sample.timestamp + restartAfter
    if (!startedAgain) return known
  }
  return {
    userId,
    sample,
    heardAt,
    heartRates: pushed(known?.heartRates ?? [], sample.heartRate),
    speeds: pushed(known?.speeds ?? [], sample.speed),
    closed: false,
  }
}

function applyChallenge(s: LiveState, leaf: string, m: Incoming): LiveState {
  const gone = m.payload.byteLength === 0
  switch (leaf) {
    case 'info':
      return gone ? without(s, 'challengeInfo') : { ...s, challengeInfo: decodeChallengeInfo(parseObject(m.payload)) }
    case 'status': {
      if (gone) return without(s, 'challengeStatus')
      const status = decodeChallengeStatus(parseObject(m.payload))
      return isOlder(status, s.challengeStatus, m) ? s : { ...s, challengeStatus: status }
    }
    case 'leaderboard': {
      if (gone) return without(s, 'challengeBoard')
      const board = decodeBoard(parseObject(m.payload))
      if (isOlder(board, s.challengeBoard, m)) return s
      return { ...s, challengeBoard: board, names: withNames(s.names, board.entries) }
    }
    case 'achievements':
      return gone ? s : withAward(s, m)
    case `rank/${s.me}`: {
      if (gone) return without(s, 'rank')
      const rank = decodeRank(parseObject(m.payload))
      return isOlder(rank, s.rank, m) ? s : { ...s, rank }
    }
    default:
      return s
  }
}

function applyUser(s: LiveState, leaf: string, m: Incoming): LiveState {
  if (m.payload.byteLength === 0) return s
  switch (leaf) {
    case 'achievement':
      return withAward(s, m)
    case 'notification': {
      const n = decodeNotification(parseObject(m.payload))
      return withFeed(s, { key: `notice:${n.messageId}`, kind: 'notice', at: n.timestamp, text: n.content })
    }
    case 'error': {
      const e = decodeRefusal(parseObject(m.payload))
      return withFeed(s, { key: `refusal:${e.topic}:${e.timestamp}`, kind: 'refusal', at: e.timestamp, text: e.reason })
    }
    default:
      return s
  }
}

function withAward(s: LiveState, m: Incoming): LiveState {
  const award = decodeAchievement(parseObject(m.payload))
  return withFeed(s, {
    key: `award:${award.achievementId}`, // the challenge's feed and my own tell the same award once
    kind: 'award',
    at: award.timestamp,
    userId: award.userId,
    name: award.name,
    award,
  })
}

/** Notes that somebody else leads now. The first board of a page is no change. */
function withLead(s: LiveState, before: Board | undefined, now: number): LiveState {
  const leader = s.board?.entries[0]
  const previous = before?.entries[0]
  if (leader === undefined || previous === undefined || leader.userId === previous.userId) return s
  const lead = { userId: leader.userId, name: leader.name, at: now, count: (s.lead?.count ?? 0) + 1 }
  // Two who pass each other again and again are one line of the feed, the last.
  const feed = s.feed.filter((f) => f.kind !== 'lead' || now - f.at > leadSettles)
  return withFeed(
    { ...s, lead, feed },
    { key: `lead:${lead.count}`, kind: 'lead', at: now, userId: leader.userId, name: leader.name },
  )
}

function withFeed(s: LiveState, item: FeedItem): LiveState {
  if (s.feed.some((f) => f.key === item.key)) return s
  const feed = [item, ...s.feed].sort((a, b) => b.at - a.at).slice(0, feedLength)
  return { ...s, feed }
}

function withNames(
  names: Readonly<Record<string, string>>,
  people: readonly (Participant | { userId: string; name: string })[],
): Readonly<Record<string, string>> {
  if (people.every((p) => names[p.userId] === p.name)) return names
  return { ...names, ...Object.fromEntries(people.map((p) => [p.userId, p.name])) }
}

function isOlder(next: { revision: number }, known: { revision: number } | undefined, m: Incoming): boolean {
  return m.retained && known !== undefined && next.revision < known.revision
}

function without(s: LiveState, key: 'info' | 'roster' | 'board' | 'challengeInfo' | 'challengeStatus' | 'challengeBoard' | 'rank'): LiveState {
  const next = { ...s }
  delete next[key]
  return next
}

function pushed(values: readonly number[], value: number | undefined): readonly number[] {
  if (value === undefined) return values
  return values.length < trendLength ? [...values, value] : [...values.slice(1 - trendLength), value]
}
