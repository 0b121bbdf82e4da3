import type { Credentials } from './credentials.js'
import { asFitmqError, FitmqError, fromStatus } from './errors.js'

/** How long a request may take, in ms. */
const patience = 15_000

/** The REST interface below /api/v1, with the errors of this library. */
export class Http {
  constructor(
    private readonly base: string,
    private readonly credentials: Credentials,
  ) {}

  /** Asks, and gives the answer's JSON; undefined where there is none. */
  async request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const late = AbortSignal.timeout(patience)
    const response = await this.open(method, path, body, signal ? AbortSignal.any([signal, late]) : late)
    try {
      const text = await response.text()
      return (text === '' ? undefined : JSON.parse(text)) as T
    } catch (cause) {
      // Cut in the middle, or not the broker's answer but somebody's page in between, as hotels have it.
      throw new FitmqError('network', `${method} ${path}: ${asFitmqError(cause).reason}`, { cause })
    }
  }

  /** Asks, and gives the answer as it begins; other answers than 2xx are thrown. */
  async open(method: string, path: string, body?: unknown, signal?: AbortSignal, headers: Record<string, string> = {}): Promise<Response> {
    const authorization = await this.credentials.header()
    let response: Response
    try {
      response = await fetch(`${this.base}/api/v1${path}`, {
        method,
        headers: { Authorization: authorization, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        cache: 'no-store',
        credentials: 'omit', // with others a browser answers a refusal with its own dialog for a password, and the page hangs behind it
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      throw new FitmqError('network', `${method} ${path}: ${asFitmqError(error).reason}`, { cause: error })
    }
    if (response.ok) return response
    const text = await response.text().catch(() => '')
    throw fromStatus(response.status, parse(text), response.headers.get('Retry-After'))
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
