/** A message on user/{me}/notification. */
export interface Notification {
  readonly type: 'notification'
  readonly messageId: string
  readonly content: string
  readonly senderId?: string
  readonly recipientId?: string
  readonly timestamp: string
  /** What it is about, for example a session that begins. */
  readonly kind?: string
  readonly data?: unknown
  readonly sessionId?: string
  readonly challengeId?: string
  /** Whether it was read, where the list says so. */
  readonly readAt?: string
}

/** user/{uid}/presence */
export interface Presence {
  readonly userId: string
  readonly state: 'online' | 'away' | 'offline'
  readonly lastSeen?: string
}

/** user/{uid}/match: a partner who is proposed, or what became of a proposal. */
export interface Match {
  readonly state: 'proposed' | 'accepted' | 'declined' | 'matched' | 'ended'
  readonly partnerId: string
  readonly name?: string
  readonly sport?: string
  /** s/km */
  readonly pace?: number
  /** m/s */
  readonly speed?: number
  /** In m: the partner's cell is nearer than that. */
  readonly band?: number
  /** Who it is; once both have accepted. */
  readonly userId?: string
  /** Where to write to each other; once both have accepted. */
  readonly conversation?: string
  readonly expiresAt?: string
  readonly timestamp: string
}

/** match/beacon: who looks for company. The position is snapped to a cell before anything is done with it. */
export interface Beacon {
  readonly latitude: number
  readonly longitude: number
  readonly sport: string
  /** s/km */
  readonly pace?: number
  /** m/s */
  readonly speed?: number
  /** m, 100 to 50,000 */
  readonly radius?: number
  /** RFC 3339, at most four hours ahead. */
  readonly until?: string
  readonly visibility?: 'open' | 'hidden'
  readonly [member: string]: unknown
}
