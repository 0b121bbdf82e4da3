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
  | 'storage' // the browser keeps nothing here: what waits to be sent is lost with the page
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
  declare readonly mqtt: number | undefined
  declare readonly status: number | undefined
  declare readonly topic: string | undefined
  declare readonly messageId: string | undefined
  declare readonly activityId: string | undefined
  declare readonly retryAfter: number | undefined

  constructor(
    readonly code: ErrorCode,
    /** A sentence for people. */
    readonly reason: string,
    details: ErrorDetails = {},
  ) {
    super(details.topic === undefined ? reason : `${reason} (${details.topic})`)
    this.name = 'FitmqError'
    Object.assign(this, details)
  }
}

/** What the reason codes of MQTT 5 mean here; 4 and 5 are 3.1.1's. */
const byMqtt: readonly [ErrorCode, ...number[]][] = [
  ['sign-in', 4, 5, 0x86, 0x8a, 0x8c],
  ['forbidden', 0x87],
  ['malformed', 0x99],
  ['invalid', 0x83, 0x8f, 0x90],
  ['rate', 0x96],
  ['quota', 0x97],
  ['too-large', 0x95],
  ['client-id', 0x85, 0x8e],
  ['busy', 0x89, 0x9f],
  ['unavailable', 0x80, 0x88, 0x8b],
]
/** Seconds after which trying again makes sense. */
const waitAfter: Partial<Record<ErrorCode, number>> = { rate: 1, quota: 10 }

/** The error of a reason code of MQTT 5. */
export function fromMqtt(mqtt: number, reason?: string, details: ErrorDetails = {}): FitmqError {
  const [code] = byMqtt.find((row) => row.includes(mqtt)) ?? ['failed' as const]
  return new FitmqError(code, reason || `refused by the broker: ${code}`, { mqtt, retryAfter: waitAfter[code], ...details })
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
