import { Handle, type Core } from './core.js'
import { trim, View, type Off } from './emitter.js'
import { asFitmqError, type FitmqError } from './errors.js'
import type { Beacon, Match } from './generated.js'
import { asId } from './ids.js'
import { topicOf } from './topics.js'

/** What is known of the search for a partner now. */
export interface MatchState {
  /** Whether a beacon of ours is out. */
  readonly searching: boolean
  /** Why the last beacon was refused. */
  readonly error: FitmqError | undefined
  /** Proposals and what became of them, the newest of each partner. */
  readonly matches: readonly Match[]
}

/** A beacon is repeated this often, in ms: the broker forgets one after a quarter of an hour. */
const repeatEvery = 5 * 60_000
/** How long to wait with the next after one that came too soon, in ms. */
const tooSoon = 15_000
/** How many partners are kept in the state. */
const kept = 100

/** The search for a partner nearby. */
export class PartnerFinder extends Handle {
  readonly state: View<MatchState>
  readonly #matches = new Map<string, Match>()
  #beacon: Beacon | undefined
  #error: FitmqError | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(core: Core) {
    super(core)
    this.state = new View<MatchState>(() => ({ searching: this.#beacon !== undefined, error: this.#error, matches: [...this.#matches.values()] }))
    this.own(() => this.state.close())
    this.own(() => clearTimeout(this.#timer))
    this.onMatch((m) => {
      this.#matches.delete(m.partnerId)
      this.#matches.set(m.partnerId, m)
      trim(this.#matches, kept)
      this.state.touch()
    })
    this.on(core.online, (up) => up && this.#beacon && this.#announce())
  }

  /** Looks for company here, until stop or the beacon's own until; call it again when one has moved. */
  search(beacon: Beacon): void {
    this.#beacon = beacon
    this.state.touch()
    this.#announce()
  }

  /** Looks no longer. */
  stop(): void {
    clearTimeout(this.#timer)
    if (this.#beacon === undefined) return
    this.#beacon = undefined
    this.state.touch()
    // A beacon that is not withdrawn ends by itself, and by going offline.
    this.core.sendNow(topicOf('matchBeacon'), '', 1).catch(() => undefined)
  }

  /** Proposals, and what became of them. */
  onMatch(fn: (match: Match) => void): Off {
    return this.listen<Match>(topicOf('userMatch', '{me}'), (m) => fn(m.payload))
  }

  /** Answers a proposal. When both have accepted, match says who it is and where to write. */
  reply(partnerId: string, accept: boolean): Promise<void> {
    return this.core.send(topicOf('matchReply'), { partnerId, accept })
  }

  /** Is never proposed this partner again, nor written to by them. */
  block(partnerId: string | number): Promise<void> {
    return this.core.send(topicOf('matchBlock'), { partnerId: asId(partnerId) })
  }

  override close(): void {
    this.stop()
    super.close()
  }

  #announce(): void {
    clearTimeout(this.#timer)
    if (this.#beacon === undefined || this.core.way === undefined) return // it goes out with the next connection
    if (this.#beacon.until !== undefined && Date.parse(this.#beacon.until) <= Date.now()) return this.stop()
    void this.#send(this.#beacon)
  }

  async #send(beacon: Beacon): Promise<void> {
    let next = repeatEvery
    try {
      await this.core.sendNow(topicOf('matchBeacon'), beacon, 1)
      this.#error = undefined
    } catch (cause) {
      const error = asFitmqError(cause)
      if (error.code === 'rate') next = tooSoon
      else if (error.code !== 'network' && error.code !== 'closed') {
        this.#error = error
        this.#beacon = undefined
        this.core.errors.emit(error)
      }
    }
    if (this.closed) return
    this.state.touch()
    clearTimeout(this.#timer)
    if (this.#beacon !== undefined) this.#timer = setTimeout(() => this.#announce(), next)
  }
}
