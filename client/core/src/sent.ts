import type { Core } from './core.js'
import { Emitter, trim, type Off } from './emitter.js'
import { asFitmqError, FitmqError } from './errors.js'
import type { Receipt } from './generated.js'
import { asId, newId } from './ids.js'

/**
 * A message as the application gives it. It is passed on as it is, members of one's own included; ids that are
 * numbers become text. The messageId is made where it is missing.
 */
export interface MessageInput {
  readonly type?: string
  readonly content?: string
  readonly senderId?: string | number | undefined
  readonly recipientId?: string | number | undefined
  readonly messageId?: string | number | undefined
  readonly kind?: 'edit' | 'delete'
  readonly target?: string
  readonly [member: string]: unknown
}

/** How far a message has come. */
export type MessageState = 'sending' | 'stored' | 'delivered' | 'read' | 'failed'

/** What is known of a message's way; in a group count tells how many of the others. */
export interface Delivery extends Partial<Omit<Receipt, 'state'>> {
  readonly messageId: string
  readonly state: MessageState
  readonly timestamp: string
}

const steps: readonly MessageState[] = ['sending', 'stored', 'delivered', 'read']

interface Step {
  promise: Promise<Delivery>
  resolve(d: Delivery): void
  reject(e: FitmqError): void
}

function step(): Step {
  let resolve: Step['resolve'] = () => undefined
  let reject: Step['reject'] = () => undefined
  const promise = new Promise<Delivery>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined) // who does not look at it has onError
  return { promise, resolve, reject }
}

/** A message on its way. Await it for stored; delivered and read resolve later, or never. */
export class SentMessage implements PromiseLike<Delivery> {
  readonly messageId: string
  /** What was sent. */
  readonly payload: Readonly<Record<string, unknown>>
  /** The present state. */
  state: MessageState = 'sending'
  /** Why it failed. */
  error: FitmqError | undefined
  /** The message's number in its conversation, once it is known. */
  seq: number | undefined
  readonly #waits = { stored: step(), delivered: step(), read: step() }
  readonly #changes = new Emitter<Delivery>()

  constructor(
    core: Core,
    readonly topic: string,
    message: string | MessageInput,
  ) {
    const input = typeof message === 'string' ? { content: message } : message
    this.messageId = asId(input.messageId ?? newId())
    this.payload = { type: 'chat', ...withTextIds(input), messageId: this.messageId }
    core.send(topic, this.payload).then(
      () => this.advance('stored'),
      (error: unknown) => this.#fail(asFitmqError(error)),
    )
  }

  /** Safe at the broker. */
  get stored(): Promise<Delivery> {
    return this.#waits.stored.promise
  }

  /** A client of the recipient's has it; in a group, clients of all. */
  get delivered(): Promise<Delivery> {
    return this.#waits.delivered.promise
  }

  /** The recipient has read it; in a group, all have. */
  get read(): Promise<Delivery> {
    return this.#waits.read.promise
  }

  then<A = Delivery, B = never>(
    ok?: ((value: Delivery) => A | PromiseLike<A>) | null,
    bad?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.stored.then(ok, bad)
  }

  /** Hears of every step. */
  onState(fn: (d: Delivery) => void): Off {
    return this.#changes.on(fn)
  }

  /** Takes in a step, and the ones before it. In a group a step is done when all have made it. */
  advance(state: 'stored' | 'delivered' | 'read', receipt?: Receipt): void {
    const d = this.#delivery(state, receipt)
    const { count, of } = d
    if (count === undefined || of === undefined || count >= of) {
      if (steps.indexOf(state) <= steps.indexOf(this.state)) return
      this.state = state
      for (const s of ['stored', 'delivered', 'read'] as const) {
        if (steps.indexOf(s) <= steps.indexOf(state)) this.#waits[s].resolve({ ...d, state: s })
      }
    }
    this.#changes.emit(d)
  }

  #delivery(state: MessageState, receipt?: Receipt): Delivery {
    return { timestamp: new Date().toISOString(), ...receipt, messageId: this.messageId, state }
  }

  #fail(error: FitmqError): void {
    this.state = 'failed'
    this.error = error
    for (const s of Object.values(this.#waits)) s.reject(error)
    this.#changes.emit(this.#delivery('failed'))
  }
}

/** The message with its ids as text. */
function withTextIds(input: MessageInput): Record<string, unknown> {
  const out: Record<string, unknown> = { ...input }
  for (const name of ['senderId', 'recipientId', 'messageId', 'target']) {
    if (out[name] === undefined || out[name] === null) delete out[name]
    else if (typeof out[name] === 'number') out[name] = asId(out[name])
  }
  return out
}

/** How many messages wait for their receipts. Over it the oldest are not followed any more. */
const maxTracked = 500

/** Brings receipts to the messages that they are about. One holds for everything before it in its conversation, too. */
export class Receipts {
  readonly #tracked = new Map<string, { message: SentMessage; conversation: string | undefined }>()

  track(message: SentMessage): void {
    this.#tracked.set(message.messageId, { message, conversation: undefined })
    trim(this.#tracked, maxTracked)
  }

  take(receipt: Receipt): void {
    const named = this.#tracked.get(receipt.messageId)
    if (named) {
      named.conversation = receipt.conversation
      named.message.seq = receipt.seq
    }
    for (const [id, { message, conversation }] of this.#tracked) {
      const covered = id === receipt.messageId || (receipt.state !== 'stored' && conversation === receipt.conversation && (message.seq ?? Infinity) <= receipt.seq)
      if (!covered) continue
      message.advance(receipt.state, receipt)
      if (message.state === 'read') this.#tracked.delete(id)
    }
  }
}
