import type { Credentials } from './credentials.js'
import { Emitter, type Off } from './emitter.js'
import { asFitmqError, FitmqError } from './errors.js'
import type { Http } from './http.js'
import { Hub, type Held, type Received } from './hub.js'
import { direct } from './ids.js'
import { Outbox } from './outbox.js'
import type { Way } from './transport.js'

/** What the parts of a client share. Topics may say {me} and {with:ID}: they are written out when they are used. */
export class Core {
  readonly errors = new Emitter<FitmqError>()
  readonly hub: Hub
  readonly outbox: Outbox
  readonly handles = new Set<Handle>()
  /** Hears when a way to the broker begins (true) and ends. */
  readonly online = new Emitter<boolean>()
  way: Way | undefined

  constructor(
    readonly credentials: Credentials,
    readonly http: Http,
    waiting: (n: number) => void,
    readonly log: (...what: unknown[]) => void,
  ) {
    this.hub = new Hub((topic) => this.expand(topic))
    this.outbox = new Outbox({ expand: (t) => this.expand(t), waiting, failed: (e) => this.errors.emit(e), log })
  }

  /** Who one is; empty as long as that is not known. */
  get me(): string {
    return this.credentials.user ?? ''
  }

  expand(topic: string): string {
    if (!topic.includes('{')) return topic
    return topic.replace(/\{me\}/g, this.me).replace(/\{with:([^}]*)\}/g, (_, other: string) => direct(this.me, other))
  }

  /** Who one is, also where only the token tells it. */
  async whoAmI(): Promise<string> {
    return this.me !== '' ? this.me : (await this.credentials.get()).user
  }

  /** Sends by the outbox: it is stored in the end, or the promise says why not. */
  send(topic: string, payload: unknown, seconds?: number): Promise<void> {
    this.log('->', topic, payload)
    const sent = new Promise<void>((resolve) => resolve(this.outbox.send(topic, text(payload, topic), seconds)))
    sent.catch((error: unknown) => this.errors.emit(asFitmqError(error)))
    return sent
  }

  /** Sends what is worth nothing later: now or never. */
  async sendNow(topic: string, payload: unknown, qos: 0 | 1): Promise<void> {
    if (this.way === undefined) throw new FitmqError('network', 'not connected', { topic })
    this.log('->', topic, payload)
    await this.way.publish({ topic: this.expand(topic), payload: text(payload, topic), qos })
  }
}

/** The payload as it is sent. */
function text(payload: unknown, topic: string): string {
  try {
    const json: unknown = typeof payload === 'string' ? payload : JSON.stringify(payload)
    if (typeof json === 'string') return json
  } catch {
    // It refers to itself, or has a BigInt in it.
  }
  throw new FitmqError('malformed', 'the payload is nothing that JSON can say', { topic })
}

/** Something that the application has opened and closes again: a session, a challenge, a conversation. */
export abstract class Handle {
  readonly #offs = new Set<Off>()
  protected closed = false

  constructor(protected readonly core: Core) {
    core.handles.add(this)
  }

  /** Has something ended with the handle. */
  protected own(off: Off): Off {
    const once = (): void => {
      this.#offs.delete(once)
      off()
    }
    this.#offs.add(once)
    return once
  }

  protected listen<T>(pattern: string, fn: (m: Received<T>) => void, gone?: (m: Received) => void): Off {
    return this.own(this.core.hub.listen(pattern, fn, gone))
  }

  protected on<T>(emitter: Emitter<T>, fn: (value: T) => void): Off {
    return this.own(emitter.on(fn))
  }

  protected hold(filter: string): Held {
    const held = this.core.hub.hold(filter)
    this.own(held.release)
    return held
  }

  /** Ends it: no listener is called any more. */
  close(): void {
    this.closed = true
    for (const off of [...this.#offs]) off()
    this.core.handles.delete(this)
  }
}
