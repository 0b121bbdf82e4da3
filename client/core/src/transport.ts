import type { FitmqError } from './errors.js'

/** What carries the messages now. */
export type TransportName = 'websocket' | 'sse'

/** A message on its way to the broker. */
export interface Outgoing {
  topic: string
  payload: string
  qos: 0 | 1
  /** Seconds after which nobody wants it any more. */
  expiry?: number | undefined
}

/** A message from the broker. */
export interface Incoming {
  topic: string
  payload: string
  qos: number
  retain: boolean
}

/** A filter to subscribe. Retained messages come with it when it is fresh, else only if the subscription is new. */
export interface Wanted {
  filter: string
  fresh: boolean
}

/** Why a way to the broker ended. */
export interface Ended {
  error: FitmqError
  /** Whether the broker said so itself, and not the network. */
  told: boolean
}

/** How to open a way. */
export interface Opening {
  /** The broker's HTTP address, without a slash at the end. */
  base: string
  /** The address of MQTT over WebSocket. */
  socket: string
  clientId: string
  user: string
  /** The token or the password. */
  secret: string
  /** Whether the secret is a token. */
  bearer: boolean
  sessionExpiry: number
  connectTimeout: number
  /** What a session has to be subscribed to from the start, where the way needs to know that. */
  filters: readonly string[]
  message(m: Incoming): void
  /** Called once, when an open way ends otherwise than by end(). */
  ended(why: Ended): void
  signal: AbortSignal
}

/** An open way to the broker. */
export interface Way {
  readonly name: TransportName
  /** Whether the broker had kept this client's session. */
  readonly resumed: boolean
  /** Resolves when the broker has stored the message. */
  publish(m: Outgoing): Promise<void>
  /** Subscribes; the answer has the error of each filter that was refused. */
  subscribe(wanted: readonly Wanted[]): Promise<Map<string, FitmqError>>
  unsubscribe(filters: readonly string[]): Promise<void>
  /** Hands in a fresh token. */
  renew(token: string): Promise<void>
  /** Makes sure that the other end is still there; else the way ends soon. After a sleep nobody else tells. */
  check(): void
  /** Makes sure that nothing that has come comes again by another way; where that takes a request. */
  settle?(): Promise<void>
  /** Ends the way; with forget, also the session. No callback comes after. */
  end(forget: boolean): Promise<void>
}

/** Opens a way, or rejects with a FitmqError. */
export type Opener = (o: Opening) => Promise<Way>
