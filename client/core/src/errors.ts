/** What kind of failure an error is. Programs branch on this; people read the reason. */
export type ErrorCode =
  | 'sign-in' // the broker does not know who this is, or does not any more
  | 'forbidden' // no right to it
  | 'malformed' // not JSON, or a field of the wrong type
  | 'invalid' // a limit is broken; the reason names field and limit
  | 'rate' // too often, see retryAfter
  | 'quota' // too much, see retryAfter
  | 'too-large'
  | 'not-found'
  | 'conflict'
  | 'client-id' // another user's session has this client id, or another tab took it over
  | 'busy' // the broker takes nobody more now
  | 'unavailable' // the broker cannot do it now
  | 'network' // no way to the broker
  | 'expired' // it waited in the outbox for longer than it was worth
  | 'outbox-full'
  | 'closed' // this client was closed
  | 'failed' // anything else; the reason says what

/** What an error is about, as far as that is known. */
export interface ErrorDetails {
  /** The reason code of MQTT 5. */
  mqtt?: number | undefined
  /** The status of the HTTP answer. */
  status?: number | undefined
  topic?: string | undefined
  messageId?: string | undefined
  activityId?: string | undefined
  /** Seconds after which trying again makes sense. */
  retryAfter?: number | undefined
  cause?: unknown
}

/** Every failure of this library: a code for programs and a reason for people. */
export class FitmqError extends Error {
  readonly mqtt: number | undefined
  readonly status: number | undefined
  readonly topic: string | undefined
  readonly messageId: string | undefined
  readonly activityId: string | undefined
  readonly retryAfter: number | undefined

  constructor(
    readonly code: ErrorCode,
    /** A sentence for people. */
    readonly reason: string,
    details: ErrorDetails = {},
  ) {
    super(details.topic === undefined ? reason : `${reason} (${details.topic})`, { cause: details.cause })
    this.name = 'FitmqError'
    this.mqtt = details.mqtt
    this.status = details.status
    this.topic = details.topic
    this.messageId = details.messageId
    this.activityId = details.activityId
    this.retryAfter = details.retryAfter
  }
}

/** Code, reason where the broker gives none, and seconds to wait, by the reason code of MQTT 5 (4 and 5: 3.1.1). */
const byMqtt: Record<number, [ErrorCode, string, number?]> = {
  0x04: ['sign-in', 'wrong user name or password'],
  0x05: ['sign-in', 'not signed in'],
  0x80: ['unavailable', 'the broker could not do it'],
  0x83: ['invalid', 'a limit is broken'],
  0x85: ['client-id', "the client id belongs to another user's session"],
  0x86: ['sign-in', 'wrong user name, password or token'],
  0x87: ['forbidden', 'not authorized'],
  0x88: ['unavailable', 'the broker is not available'],
  0x89: ['busy', 'the broker has too many connections'],
  0x8a: ['sign-in', 'banned'],
  0x8b: ['unavailable', 'the broker is shutting down'],
  0x8c: ['sign-in', 'the broker does not know this way to sign in'],
  0x8e: ['client-id', 'another connection has taken over this client id'],
  0x8f: ['invalid', 'the topic filter is not valid'],
  0x90: ['invalid', 'the topic name is not valid'],
  0x95: ['too-large', 'larger than the broker takes'],
  0x96: ['rate', 'too often', 1],
  0x97: ['quota', 'over the quota', 10],
  0x99: ['malformed', 'the payload is malformed'],
  0x9f: ['busy', 'too many connections or attempts'],
}

/** The error of a reason code of MQTT 5. */
export function fromMqtt(mqtt: number, reason?: string, details: ErrorDetails = {}): FitmqError {
  const [code, text, retryAfter] = byMqtt[mqtt] ?? ['failed', `refused with code 0x${mqtt.toString(16)}`]
  return new FitmqError(code, reason || text, { mqtt, retryAfter, ...details })
}

const byStatus: Record<number, ErrorCode> = {
  400: 'malformed',
  401: 'sign-in',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  413: 'too-large',
  415: 'malformed',
  422: 'invalid',
  429: 'rate',
}

/** The error of an HTTP answer, from its problem+json where it has one (RFC 9457). */
export function fromStatus(status: number, body: unknown, retryAfter: string | null, details: ErrorDetails = {}): FitmqError {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  const text = [problem['detail'], problem['title']].find((v) => typeof v === 'string' && v !== '')
  const seconds = Number(retryAfter)
  const code = byStatus[status] ?? (status >= 500 ? 'unavailable' : 'failed')
  return new FitmqError(code, typeof text === 'string' ? text : `the server answered ${status}`, {
    status,
    retryAfter: retryAfter !== null && seconds >= 0 ? seconds : undefined,
    ...details,
  })
}

/** The error itself, or one that says what it is. */
export function asFitmqError(error: unknown, code: ErrorCode = 'failed'): FitmqError {
  if (error instanceof FitmqError) return error
  return new FitmqError(code, error instanceof Error ? error.message : String(error), { cause: error })
}
