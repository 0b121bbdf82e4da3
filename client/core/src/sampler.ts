import type { Core } from './core.js'
import { asFitmqError } from './errors.js'
import type { LiveSample } from './generated.js'

/** A live sample as the application gives it; seq, timestamp and status are added where they are missing. */
export type SampleInput = Partial<LiveSample> & { readonly [member: string]: unknown }

/** The least time between two messages, in ms: the broker takes five a second. */
const pace = 200
/** How many samples wait while there is no connection: a minute at 1 Hz. Over it the oldest go. */
const most = 60
/** The largest message, in characters; the broker's limit is 16 KiB. */
const largest = 15_000

/** Sends one's live samples in a session: each by itself while all is well, what has gathered as one batch. */
export class Sampler {
  #waiting: LiveSample[] = []
  #seq = 0
  #busy = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(
    private readonly core: Core,
    private readonly topic: string,
  ) {}

  add(input: SampleInput): void {
    const now = Date.now()
    // Rising over reloads too: by the clock, in tenths of a second.
    this.#seq = Math.max(this.#seq + 1, input.seq ?? Math.floor(now / 100))
    this.#waiting.push({ status: 'active', timestamp: new Date(now).toISOString(), ...input, seq: this.#seq })
    if (this.#waiting.length > most) this.#waiting.splice(0, this.#waiting.length - most)
    this.pump()
  }

  /** Sends what waits, if nothing is on the way. */
  pump(): void {
    if (this.#busy || this.#closed || this.#timer !== undefined || this.#waiting.length === 0 || this.core.way === undefined) return
    void this.#send()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #send(): Promise<void> {
    this.#busy = true
    let batch = this.#waiting
    while (batch.length > 1 && JSON.stringify(batch).length > largest) batch = batch.slice(0, Math.ceil(batch.length / 2))
    this.#waiting = this.#waiting.slice(batch.length)
    let pause = pace
    try {
      await this.core.sendNow(this.topic, batch.length === 1 ? batch[0] : { samples: batch }, 1)
    } catch (cause) {
      const error = asFitmqError(cause)
      if (error.code === 'network' || error.code === 'closed' || error.code === 'rate' || error.code === 'unavailable') {
        this.#waiting = [...batch, ...this.#waiting].slice(-most)
        pause = (error.retryAfter ?? 1) * 1000
      } else {
        this.core.errors.emit(error)
      }
    }
    this.#busy = false
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.pump()
    }, pause)
  }
}
