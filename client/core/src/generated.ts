// Made by client/generate from the broker's Go types: do not edit, run go generate ./client/...

/** The topics' patterns, with {} for an id and ! after those of which only the newest value matters. */
export const patterns =
  'session/{}/info! ' +
  'session/{}/participants! ' +
  'session/{}/events ' +
  'session/{}/progress/{}! ' +
  'session/{}/form/{} ' +
  'session/{}/form/{}/seen ' +
  'session/{}/leaderboard! ' +
  'session/{}/chat ' +
  'session/{}/control ' +
  'challenge/{}/info! ' +
  'challenge/{}/status! ' +
  'challenge/{}/activity ' +
  'challenge/{}/leaderboard! ' +
  'challenge/{}/rank/{}! ' +
  'challenge/{}/achievements ' +
  'chat/{}/message ' +
  'chat/{}/typing ' +
  'chat/{}/read ' +
  'user/{}/chat/{} ' +
  'user/{}/receipt ' +
  'user/{}/notification ' +
  'user/{}/achievement ' +
  'user/{}/match ' +
  'user/{}/unread! ' +
  'user/{}/token ' +
  'user/{}/error ' +
  'user/{}/presence! ' +
  'user/{}/away ' +
  'user/{}/notification/read ' +
  'match/beacon ' +
  'match/reply ' +
  'match/block'

/** The name of a row of the topic tables: session/{}/form/{}/seen is sessionFormSeen. */
export type TopicKind =
  | 'sessionInfo'
  | 'sessionParticipants'
  | 'sessionEvents'
  | 'sessionProgress'
  | 'sessionForm'
  | 'sessionFormSeen'
  | 'sessionLeaderboard'
  | 'sessionChat'
  | 'sessionControl'
  | 'challengeInfo'
  | 'challengeStatus'
  | 'challengeActivity'
  | 'challengeLeaderboard'
  | 'challengeRank'
  | 'challengeAchievements'
  | 'chatMessage'
  | 'chatTyping'
  | 'chatRead'
  | 'userChat'
  | 'userReceipt'
  | 'userNotification'
  | 'userAchievement'
  | 'userMatch'
  | 'userUnread'
  | 'userToken'
  | 'userError'
  | 'userPresence'
  | 'userAway'
  | 'userNotificationRead'
  | 'matchBeacon'
  | 'matchReply'
  | 'matchBlock'

/** session/{sid}/info */
export interface SessionInfo {
  readonly sessionId: string
  /** Kind is workout (also when empty) or training. */
  readonly kind: 'workout' | 'training'
  /** Title is for people; at most 200 characters. */
  readonly title: string
  /** Host is the user who controls the session. */
  readonly host: string
  /** Trainer is a user who controls it too and corrects form, or "". */
  readonly trainer?: string
  /** Visibility is open or invite (also when empty). */
  readonly visibility: 'open' | 'invite'
  /** RankBy is what the live leaderboard ranks by; empty means distance. */
  readonly rankBy?: 'distance' | 'calories' | 'steps' | 'repetitions' | 'heartRate' | 'power' | 'speed' | 'cadence'
  /** StartsAt is when the session goes live by itself. Zero: at creation. */
  readonly startsAt?: string
  /** Capacity is how many may take part at once, host and trainer aside. Zero: no limit of its own. */
  readonly capacity?: number
  readonly hostName?: string
  readonly trainerName?: string
  readonly state: 'scheduled' | 'live' | 'paused' | 'ended'
  readonly createdAt: string
  readonly startedAt?: string
  readonly endedAt?: string
}

/** Participant is an entry of a session's roster. ZonesMaxHeartRate is where the participant's heart-rate zones end, in bpm: who sees their heart rate can say its zone. */
export interface Participant {
  readonly userId: string
  readonly name: string
  /** host, trainer or participant */
  readonly role: 'host' | 'trainer' | 'participant'
  readonly joinedAt: string
  readonly zonesMaxHeartRate?: number
}

/** session/{sid}/participants */
export interface Roster {
  readonly sessionId: string
  readonly revision: number
  readonly total: number
  readonly participants: readonly Participant[]
}

/** Milestone is something that an athlete has reached. Value is in Unit (km, mi, min, kcal, zone; of a personal best s or m), Before what the best was. */
export interface Milestone {
  readonly milestone: 'distance' | 'duration' | 'calories' | 'heartRateZone' | 'personalBest'
  /** what a personalBest is of */
  readonly best?: string
  readonly value: number
  readonly before?: number
  readonly unit: string
  readonly sport?: string
  /** Timer and Distance are how long the athlete was active and how far they had come by then, in s and m. */
  readonly totalTimerTime: number
  readonly totalDistance: number
  readonly timestamp: string
}

/** session/{sid}/events */
export interface SessionEvent {
  readonly type: 'participant-joined' | 'participant-left' | 'session-started' | 'session-paused' | 'session-ended' | 'milestone'
  readonly sessionId: string
  readonly userId?: string
  readonly name?: string
  readonly reason?: string
  readonly timestamp: string
  /** Milestone is what the user has reached, of EventMilestone. */
  readonly data?: Milestone
}

/** session/{sid}/progress/{uid}: SI units; what was not measured is absent */
export interface LiveSample {
  readonly seq: number
  readonly timestamp: string
  readonly elapsedTime?: number
  readonly sport?: string
  readonly status?: 'active' | 'paused' | 'ended'
  readonly heartRate?: number
  readonly cadence?: number
  readonly power?: number
  readonly speed?: number
  readonly distance?: number
  readonly altitude?: number
  readonly grade?: number
  readonly temperature?: number
  readonly latitude?: number
  readonly longitude?: number
  readonly horizontalAccuracy?: number
  readonly calories?: number
  readonly steps?: number
  readonly repetitions?: number
}

/** session/{sid}/form/{uid}: a trainer's word to a client */
export interface FormCorrection {
  readonly correctionId: string
  readonly exercise: string
  readonly set?: number
  readonly repetition?: number
  readonly joint?: 'knee' | 'hip' | 'elbow' | 'shoulder' | 'spine' | 'ankle' | 'wrist' | 'neck'
  readonly measure?: 'angle' | 'rangeOfMotion' | 'tempo' | 'symmetry' | 'depth'
  readonly observed?: number
  readonly targetMin?: number
  readonly targetMax?: number
  readonly unit?: string
  readonly severity: 'info' | 'warning' | 'stop'
  readonly cue?: string
  /** s */
  readonly expiresIn?: number
}

/** BoardEntry is a line of a leaderboard. */
export interface BoardEntry {
  readonly rank: number
  readonly userId: string
  readonly name: string
  readonly score: number
  readonly reachedAt: string
}

/** TeamEntry is a line of a board of teams. */
export interface TeamEntry {
  readonly rank: number
  readonly teamId: string
  readonly name: string
  readonly score: number
  readonly reachedAt: string
}

/** challenge/{cid}/leaderboard and session/{sid}/leaderboard */
export interface Leaderboard {
  readonly challengeId?: string
  readonly period?: string
  readonly sessionId?: string
  readonly revision: number
  readonly updatedAt?: string
  readonly metric: string
  readonly unit: string
  readonly total: number
  readonly entries: readonly BoardEntry[]
  readonly teams?: readonly TeamEntry[]
  readonly next?: string
}

/** challenge/{cid}/rank/{uid} */
export interface Rank {
  readonly challengeId: string
  readonly period?: string
  readonly revision: number
  readonly userId: string
  readonly rank: number
  readonly score: number
  readonly total: number
  /** the user's team, where there is one */
  readonly team?: TeamEntry
  readonly above: readonly BoardEntry[]
  readonly below: readonly BoardEntry[]
}

/** PeriodStatus is a period of a repeating challenge; Winners are the first three of one that is over. */
export interface PeriodStatus {
  readonly period: string
  readonly startsAt: string
  readonly endsAt: string
  readonly activities: number
  readonly sum: number
  readonly winners?: readonly BoardEntry[]
}

/** challenge/{cid}/status */
export interface ChallengeStatus {
  readonly challengeId: string
  readonly state: 'scheduled' | 'active' | 'ended'
  readonly startsAt: string
  readonly endsAt: string
  readonly participants: number
  readonly activities: number
  readonly flagged?: number
  readonly sum: number
  readonly goal?: number
  readonly goalOf?: string
  readonly goalProgress?: number
  readonly goalReached?: number
  readonly winners?: readonly BoardEntry[]
  readonly current?: PeriodStatus
  readonly previous?: PeriodStatus
  readonly timeLeft?: number
  readonly updatedAt: string
  readonly revision: number
}

/** AwardRule is an award that a challenge gives, once to each participant in each period. */
export interface AwardRule {
  /** Kind is the challenge's metric (also when empty) or streak. */
  readonly kind?: string
  /** Threshold is the score that has to be reached, in the unit of the scores (the best activity where the aggregate is best or last), or the days of the streak. */
  readonly threshold: number
  /** Title is for people. */
  readonly title?: string
}

/** Limits bound what one participant's activities can be worth, in the unit of the scores. What is over counts as much as the limit; 0: no limit. */
export interface Limits {
  /** PerActivity bounds one activity. */
  readonly perActivity?: number
  /** PerDay bounds the activities that ended on one day of the challenge's time zone, together; for the aggregates sum and count. */
  readonly perDay?: number
}

/** Team is a team of a challenge. Its score is made of its members' scores, of those who take part: the total where the aggregate is sum or count, else that of the best member. */
export interface Team {
  /** ID is unique in the challenge: 1 to 64 letters, digits, _ or -. */
  readonly id: string
  /** Name is for people; empty: the id. */
  readonly name?: string
  /** Members are user ids, each in one team at most. */
  readonly members: readonly string[]
}

/** challenge/{cid}/info */
export interface ChallengeInfo {
  readonly challengeId: string
  /** Title is for people; at most 200 characters. */
  readonly title: string
  /** Organizer is the user who manages the challenge. */
  readonly organizer: string
  /** Visibility is open or invite (also when empty). */
  readonly visibility: 'open' | 'invite'
  /** Metric is what counts; empty means distance. */
  readonly metric: 'distance' | 'calories' | 'duration' | 'steps' | 'ascent' | 'repetitions' | 'workouts' | 'activeMinutes' | 'points'
  /** Aggregate makes one score of a participant's activities; empty means sum. */
  readonly aggregate: 'sum' | 'best' | 'last' | 'count'
  /** Order is desc, the highest score leads (also when empty), or asc. */
  readonly order: 'desc' | 'asc'
  /** Sports lists the sports that count; empty means all. */
  readonly sports?: readonly string[]
  /** StartsAt and EndsAt bound the moments at which an activity may end to count, both included. */
  readonly startsAt: string
  readonly endsAt: string
  /** Goal is an aim in the unit of the scores; 0: none. */
  readonly goal?: number
  /** GoalOf is whose the goal is: all (also when empty), a common one for the sum of all, or each, for every participant's own score. */
  readonly goalOf?: string
  /** Points are what one unit of each metric is worth where the metric is points; none: an active minute is a point. */
  readonly points?: Readonly<Record<string, number>>
  /** Limits bound what activities are worth; nil: they do not. */
  readonly limits?: Limits
  /** Awards are given at thresholds. */
  readonly awards?: readonly AwardRule[]
  /** Period makes the challenge start anew every day, week or month. */
  readonly period?: 'daily' | 'weekly' | 'monthly'
  /** TimeZone is the name of the zone whose days count, like Europe/Berlin; empty: UTC. */
  readonly timeZone?: string
  /** Teams are the teams, for a board of their own. */
  readonly teams?: readonly Team[]
  /** Unranked is a challenge without a board: only the common sum counts. */
  readonly unranked?: boolean
  readonly unit: string
  readonly state: 'scheduled' | 'active' | 'ended'
  readonly createdAt: string
}

/** challenge/{cid}/activity: a finished activity, counted once for its activityId */
export interface Activity {
  readonly totalElapsedTime: number
  readonly totalTimerTime?: number
  readonly totalDistance?: number
  readonly totalCalories?: number
  readonly totalAscent?: number
  readonly steps?: number
  readonly repetitions?: number
  readonly avgHeartRate?: number
  readonly maxHeartRate?: number
  readonly avgPower?: number
  readonly avgSpeed?: number
  readonly maxSpeed?: number
  readonly activityId: string
  readonly sport: string
  /** RFC 3339. */
  readonly startTime: string
  readonly device?: string
  readonly manual?: boolean
}

/** user/{uid}/achievement and challenge/{cid}/achievements */
export interface Achievement {
  readonly achievementId: string
  readonly kind: string
  readonly userId: string
  readonly name: string
  readonly challengeId: string
  readonly period?: string
  readonly title?: string
  readonly value: number
  readonly unit?: string
  readonly threshold: number
  readonly activityId?: string
  readonly timestamp: string
}

/** A message, as it comes: chat/{conversation}/message, user/{uid}/chat/{conversation}, session/{sid}/chat */
export interface Message {
  readonly kind?: 'edit' | 'delete'
  readonly content?: string
  readonly senderId: string
  readonly messageId: string
  readonly target?: string
  readonly seq: number
  readonly timestamp: string
  readonly type: 'chat'
  readonly recipientId?: string
  readonly conversation?: string
  readonly sessionId?: string
  readonly editedAt?: string
  readonly deletedAt?: string
}

/** user/{uid}/receipt: what became of a message that I sent */
export interface Receipt {
  readonly messageId: string
  readonly conversation: string
  readonly seq: number
  readonly state: 'stored' | 'delivered' | 'read'
  readonly by?: string
  readonly count?: number
  readonly of?: number
  readonly timestamp: string
}

/** user/{uid}/notification, and an entry of GET /api/v1/me/notifications */
export interface Notification {
  readonly type: 'notification'
  readonly content: string
  readonly senderId: string
  readonly recipientId: string
  readonly messageId: string
  readonly kind?: string
  readonly collapseKey?: string
  readonly priority?: 'normal' | 'urgent'
  readonly ttl?: number
  readonly timestamp: string
  readonly expiresAt?: string
  readonly data?: unknown
  /** Whether it was read, in the list. */
  readonly read?: boolean
}

/** user/{uid}/match: a partner who is proposed, or what became of a proposal; until both have accepted no more than a band */
export interface Match {
  readonly state: 'proposed' | 'accepted' | 'declined' | 'matched' | 'ended'
  readonly partnerId: string
  readonly name?: string
  readonly sport?: string
  readonly pace?: number
  readonly speed?: number
  readonly band?: number
  readonly userId?: string
  readonly conversation?: string
  readonly expiresAt?: string
  readonly timestamp: string
}

/** match/beacon: who looks for company; the position is snapped to a cell before anything is done with it */
export interface Beacon {
  readonly latitude: number
  readonly longitude: number
  readonly sport: string
  readonly pace?: number
  readonly paceMin?: number
  readonly paceMax?: number
  readonly speed?: number
  readonly speedMin?: number
  readonly speedMax?: number
  readonly level?: string
  readonly levels?: readonly string[]
  readonly radius?: number
  readonly from?: string
  readonly until?: string
  readonly visibility?: 'open' | 'hidden'
}

/** Presence is the payload of user/{uid}/presence, merged over all of the user's clients. LastSeen is when the user was last known to be active, or to be connected where State is offline. */
export interface Presence {
  readonly userId: string
  readonly state: 'online' | 'away' | 'offline'
  readonly lastSeen?: string
}

/** user/{uid}/unread */
export interface Unread {
  readonly conversations: Readonly<Record<string, number>>
  readonly notifications: number
}

/** user/{uid}/error: why a publish of mine was refused */
export interface Refusal {
  readonly topic: string
  readonly code: number
  readonly reason: string
  readonly messageId?: string
  readonly timestamp: string
  readonly activityId?: string
}

/** A member of a conversation, and how far they have come: had and read up to these seqs. */
export interface ConversationMember {
  readonly userId: string
  readonly name: string
  readonly from: number
  readonly delivered: number
  readonly read: number
}

/** An entry of GET /api/v1/conversations */
export interface Conversation {
  readonly conversationId: string
  readonly title?: string
  readonly owner?: string
  readonly members: readonly string[]
  readonly people?: readonly ConversationMember[]
  readonly createdAt?: string
  readonly head: number
  readonly read: number
  readonly unread: number
}
