// What the console asks the broker for, and the shapes of the answers (docs/protocol.md, "For operators").

/** The way to the REST interface: asks below /api/v1, signed in; a refusal is thrown. */
export interface Gate {
  request<T>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>
}

/** A page of a list; next is what to pass as ?after=. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string
}

/** One second of the last two minutes. */
export interface Sample {
  readonly at: string
  readonly received: number
  readonly delivered: number
  readonly dropped: number
  readonly connected: number
  /** Bytes that wait in memory. */
  readonly queuedBytes: number
  readonly receivedQos: readonly number[]
  readonly deliveredQos: readonly number[]
  readonly commits: number
}

export interface Stats {
  readonly version: string
  readonly time: string
  readonly startedAt: string
  readonly ready: boolean
  readonly sessions: number
  readonly connected: number
  readonly streams: number
  readonly subscriptions: number
  readonly retained: number
  readonly retainedBytes: number
  readonly queuedBytes: number
  readonly logBytes: number
  readonly workouts: number
  readonly challenges: number
  /** Since the start, like received.qos1 or dropped.queueFull. */
  readonly totals: Readonly<Record<string, number>>
  readonly storage: Storage
  readonly history: readonly Sample[] | null
}

/** What the data directory holds, in bytes. */
export interface Storage {
  readonly logBytes: number
  readonly logLimit: number
  readonly logFiles: number
  readonly tablesBytes: number
  readonly first: number
  readonly last: number
  /** Both 0 where the system does not tell. */
  readonly diskFree: number
  readonly diskSize: number
  readonly lastCommit?: string
  readonly lastFailure?: string
  readonly error?: string
}

export interface ClientQueue {
  readonly clientId: string
  readonly userId: string
  readonly connected: boolean
  readonly since: string
  readonly inflight: number
  readonly window?: number
  readonly messages: number
  readonly bytes: number
  readonly oldest?: string
  readonly dropped?: Readonly<Record<string, number>>
}

export interface Queues {
  readonly items: readonly ClientQueue[]
  readonly sessions: number
  readonly looked: number
}

export interface BoardInfo {
  readonly challengeId: string
  readonly title: string
  readonly organizer: string
  readonly metric: string
  readonly state: string
  readonly endsAt: string
  readonly participants: number
  readonly ranked: number
  readonly activities: number
  readonly flagged: number
  readonly pending: number
  readonly revision: number
  readonly updatedAt?: string
}

export interface Rebuilt {
  readonly identical: boolean
  readonly digest: string
  readonly revision: number
  readonly periods: number
  readonly ranked: number
  readonly differences?: readonly { readonly part: string; readonly present: string; readonly rebuilt: string }[]
}

export interface ClientInfo {
  readonly clientId: string
  readonly userId: string
  readonly role?: string
  readonly connected: boolean
  readonly via?: string
  readonly version?: number
  readonly remote?: string
  readonly since: string
  /** Seconds; 4294967295 for never. */
  readonly expiry: number
  readonly subscriptions: Readonly<Record<string, number>>
  readonly inflight: number
  readonly waiting: number
  readonly behind: boolean
  readonly will: boolean
  readonly window?: number
  readonly dropped?: Readonly<Record<string, number>>
}

export interface Queue {
  readonly inflight: number
  readonly messages: number
  readonly bytes: number
  readonly oldest?: string
}

export interface Refusal {
  readonly time: string
  readonly userId?: string
  readonly clientId?: string
  readonly via?: string
  readonly remote?: string
  readonly action: string
  readonly target?: string
  readonly code: number
  readonly reason: string
}

export interface TraceEvent {
  readonly n: number
  readonly time: string
  readonly direction: 'in' | 'out'
  readonly packet: string
  readonly topic?: string
  readonly qos: number
  readonly retain?: boolean
  readonly dup?: boolean
  readonly packetId?: number
  readonly size?: number
  readonly code?: number
  readonly reason?: string
}

export interface Trace {
  readonly clientId: string
  readonly since: string
  readonly next: number
  readonly skipped: number
  readonly events: readonly TraceEvent[]
}

export interface User {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly disabled?: boolean
  readonly createdAt: string
}

export interface Webhook {
  readonly name: string
  readonly url: string
  readonly events: readonly string[]
  readonly waiting: number
  readonly attempts: number
  readonly delivered: number
  readonly failed: number
  readonly givenUp: number
  readonly stopped: boolean
  readonly pausedUntil?: string
  readonly lastDelivery?: string
  readonly lastErrors: readonly WebhookFault[] | null
}

export interface WebhookFault {
  readonly at: string
  readonly eventId: string
  readonly type: string
  readonly attempt: number
  readonly error: string
}

export interface Explained {
  readonly messageId: string
  readonly messages: readonly {
    readonly topic: string
    readonly senderId?: string
    readonly at: string
    readonly qos: number
    readonly recipients: readonly Fate[]
  }[]
}

export interface Fate {
  readonly userId: string
  readonly clientId?: string
  readonly state: string
  readonly why?: string
  readonly offlineSince?: string
}

export interface Challenge {
  readonly challengeId: string
  readonly title: string
  readonly state: string
  readonly metric: string
  readonly unit: string
  readonly organizer: string
  readonly startsAt: string
  readonly endsAt: string
}

export interface Board {
  readonly next?: string
  readonly total: number
  readonly revision: number
  readonly unit: string
  readonly entries: readonly { readonly rank: number; readonly userId: string; readonly name: string; readonly score: number }[]
}

export interface Session {
  readonly sessionId: string
  readonly title: string
  readonly kind: string
  readonly state: string
  readonly host: string
  readonly hostName?: string
  readonly trainer?: string
  readonly visibility: string
}

export interface Member {
  readonly userId: string
  readonly name: string
  readonly role: string
  readonly present: boolean
}
