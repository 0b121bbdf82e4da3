// The link to the broker: one way at a time, WebSocket where it can be had and else SSE, kept up for as long as the
// client is open. Everything above sees attach and detach and does not ask which way it is.
import { asFitmqError, FitmqError } from './errors.js'
import type { Credential, Credentials } from './credentials.js'
import type { ClientIds } from './tab.js'
import type { Ended, Incoming, Opener, TransportName, Way } from './transport.js'
import { jitter, Pause } from './wait.js'

export interface LinkOptions {
  base: string
  socket: string
  sessionExpiry: number
  connectTimeout: number
  /** The ways, the better one first. */
  ways: readonly { name: TransportName; open: Opener }[]
  credentials: Credentials
  ids: ClientIds
  filters(): readonly string[]
  attach(way: Way, user: string): void
  /** The way is not to be used any more; with handover, attach follows at once with a better one. */
  detach(handover: boolean): void
  message(m: Incoming): void
  /** Something failed that the link tries again by itself. */
  failed(error: FitmqError): void
  /** It is over: signing in was refused for good. */
  over(error: FitmqError): void
  log(...what: unknown[]): void
}

/** A connection that lived longer than this, in ms, was a good one: the next attempt comes soon. */
const goodLife = 10_000
/** After this many short-lived connections of the best way in a row the next best has a turn first. */
const shortLives = 3
/** How soon the best way is looked for while another is in use, and how rarely at last, in ms. */
const firstProbe = 5_000
const lastProbe = 60_000

interface Current {
  way: Way
  since: number
  ended: Promise<Ended>
}

export class Link {
  readonly #pause = new Pause()
  readonly #probing = new Pause()
  readonly #stop = new AbortController()
  #current: Current | undefined
  #attempts = 0
  #short = 0
  #refusals = 0
  #renewal: ReturnType<typeof setTimeout> | undefined
  #running: Promise<void> | undefined

  constructor(private readonly o: LinkOptions) {}

  start(): void {
    this.#running ??= this.#run()
  }

  /** Tries now instead of later: the network is back, or somebody is looking again. A way that is in use is looked after. */
  hurry(): void {
    this.#attempts = 0
    this.#pause.wake()
    this.#probing.wake()
    this.#current?.way.check()
  }

  /** Ends the link, with forget also the session at the broker. */
  async close(forget: boolean): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#renewal)
    this.#pause.wake()
    this.#probing.wake()
    const way = this.#current?.way
    this.#current = undefined
    await way?.end(forget)
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const current = await this.#connect()
      if (this.#stopped) return void current?.way.end(false)
      if (current) await this.#serve(current)
      if (this.#stopped) return
      const wait = jitter(this.#attempts++)
      await this.#pause.wait(wait)
    }
  }

  /** Tries each way once. */
  async #connect(): Promise<Current | undefined> {
    const [best, ...others] = this.o.ways
    if (best === undefined) return undefined
    const order = this.#short >= shortLives ? [...others, best] : [best, ...others]
    let error: FitmqError | undefined
    for (const way of order) {
      try {
        return await this.#open(way)
      } catch (cause) {
        if (this.#stopped) return undefined
        const failure = asFitmqError(cause)
        this.o.log(`${way.name}: ${failure.reason}`)
        if (this.#judge(failure)) return undefined
        // What the first way says is about the way; what the others say then is news only if it is not the network.
        if (error === undefined || failure.code !== 'network') error = failure
      }
    }
    if (error) this.o.failed(error)
    return undefined
  }

  /** Handles the refusals that trying another way does not help against. Reports whether it was one. */
  #judge(error: FitmqError): boolean {
    switch (error.code) {
      case 'sign-in':
        this.o.credentials.forget()
        // A token may have run out on the way; a second refusal in a row is meant.
        if (++this.#refusals < 2 && this.o.credentials.renewable) this.#attempts = 0
        else this.#end(error)
        return true
      case 'client-id':
        if (this.o.ids.renew()) this.#attempts = 0
        else this.#end(error)
        return true
      case 'busy':
      case 'rate':
        this.o.failed(error)
        return true // another way would be one more connection
      default:
        return false
    }
  }

  #end(error: FitmqError): void {
    void this.close(false)
    this.o.over(error)
  }

  async #open(from: { name: TransportName; open: Opener }): Promise<Current> {
    const credential = await this.o.credentials.get()
    let ended: (why: Ended) => void = () => undefined
    const end = new Promise<Ended>((resolve) => (ended = resolve))
    const way = await from.open({
      ...this.#address(credential),
      clientId: await this.o.ids.get(credential.user),
      filters: this.o.filters(),
      message: (m) => {
        if (!this.#stopped) this.o.message(m)
      },
      ended,
      signal: this.#stop.signal,
    })
    if (this.#stopped) {
      void way.end(false)
      throw new FitmqError('closed', 'the client was closed')
    }
    this.#refusals = 0
    return { way, since: Date.now(), ended: end }
  }

  #address({ user, secret, bearer }: Credential) {
    const { base, socket, sessionExpiry, connectTimeout } = this.o
    return { base, socket, user, secret, bearer, sessionExpiry, connectTimeout }
  }

  /** Uses a way until it ends, or a better one until that ends. */
  async #serve(first: Current): Promise<void> {
    let current: Current | undefined = first
    while (current !== undefined && !this.#stopped) {
      this.#use(current)
      const better: Current | Ended = await this.#untilEnded(current)
      if (this.#stopped) return
      if ('way' in better) {
        const old: Way = current.way
        this.o.detach(true)
        current = better
        void old.end(false)
        continue
      }
      this.#lost(current, better)
      current = undefined
    }
  }

  #use(current: Current): void {
    this.#current = current
    this.o.log('connected', current.way.name, current.way.resumed)
    this.o.attach(current.way, this.o.credentials.user ?? '')
    this.#renewLater()
  }

  #lost(current: Current, why: Ended): void {
    const life = Date.now() - current.since
    this.#current = undefined
    clearTimeout(this.#renewal)
    this.o.log('ended', current.way.name, why.error)
    this.o.detach(false)
    if (life >= goodLife) this.#attempts = 0
    if (current.way.name === this.o.ways[0]?.name) this.#short = life >= goodLife || why.told ? 0 : this.#short + 1
    if (why.error.code === 'client-id') {
      // Another tab is a copy of this one; where the application has named the client it is another client of its own.
      if (!this.o.ids.renew()) this.#end(why.error)
    } else if (why.told && (why.error.code === 'forbidden' || why.error.code === 'sign-in')) {
      this.o.credentials.forget() // signed out: with a fresh token at once, else the next attempt is told
      this.#attempts = 0
    } else {
      this.o.failed(why.error)
    }
  }

  /** Waits for the end of a way, or for a better one. */
  async #untilEnded(current: Current): Promise<Current | Ended> {
    const [best] = this.o.ways
    if (best === undefined || current.way.name === best.name) return current.ended
    let over = false
    const end = current.ended.then((why) => {
      over = true
      this.#probing.wake()
      return why
    })
    for (let probe = 0; ; probe++) {
      if (over || this.#stopped) return end // while the last probe was under way
      const wait = Math.min(lastProbe, firstProbe * 2 ** probe)
      await this.#probing.wait(wait / 2 + (Math.random() * wait) / 2)
      if (over || this.#stopped) return end
      try {
        // With the same client id: the session goes over to it, and nothing is lost between the two.
        await current.way.settle?.()
        const better = await this.#open(best)
        this.#short = Math.min(this.#short, shortLives - 1) // one more short life, and the other way has the first turn again
        return better
      } catch {
        // Not yet.
      }
    }
  }

  #renewLater(): void {
    clearTimeout(this.#renewal)
    const wait = this.o.credentials.renewIn()
    if (wait === undefined) return
    this.#renewal = setTimeout(() => void this.#renew(), Math.min(wait, 2 ** 31 - 1))
  }

  async #renew(): Promise<void> {
    try {
      const { secret } = await this.o.credentials.renew()
      await this.#current?.way.renew(secret)
    } catch (error) {
      if (this.#stopped) return
      this.o.failed(asFitmqError(error))
      this.#renewal = setTimeout(() => void this.#renew(), 1_000 + jitter(3))
      return
    }
    if (!this.#stopped) this.#renewLater()
  }
}
