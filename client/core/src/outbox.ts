// What is on its way to the broker. Messages of one topic go one after the other, so that none overtakes another
// however often the connection breaks; each is kept until the broker has stored it, over reloads too. A message that
// is sent again carries the same id, and the broker counts it once.
import { asFitmqError, FitmqError } from './errors.js'
import type { Kept, OutboxStorage } from './storage.js'
import type { Way } from './transport.js'

/** Bounds of the outbox: over them a new message is refused with outbox-full, and those that wait stay. */
export const maxWaiting = 1_000
export const maxWaitingBytes = 2 * 1024 * 1024
/** How many messages are on the way at once, each of another topic. */
const maxInFlight = 16
/** A message that waited and is sent too fast for the broker's limits is tried again so often. */
const maxTries = 8
/** How often what closed tabs have left is looked for, in ms. */
const adoptEvery = 30_000
/** Without locks to tell whether a tab lives, only what is older than this is taken over, in ms. */
const orphanAge = 60_000

interface Entry {
  topic: string
  payload: string
  until: number | undefined
  /** Whether it had to wait for a connection, or behind one that had: then a limit on the rate makes it wait longer and is no error. */
  waited: boolean
  tries: number
  inFlight: boolean
  saved: Promise<number | undefined>
  resolve(): void
  reject(error: FitmqError): void
}

export interface OutboxOptions {
  expand(topic: string): string
  /** How many wait now. */
  waiting(n: number): void
  /** A message that nobody waits for any more was refused. */
  failed(error: FitmqError): void
  log(...what: unknown[]): void
}

export class Outbox {
  /** By topic, oldest first. */
  readonly #lanes = new Map<string, Entry[]>()
  #count = 0
  #bytes = 0
  #inFlight = 0
  #way: Way | undefined
  #owner = ''
  #storage: OutboxStorage | undefined
  #opening: (s: OutboxStorage | undefined) => void = () => undefined
  /** Resolves to the storage, or to nothing where there is none. */
  readonly #opened: Promise<OutboxStorage | undefined>
  #restored = false
  readonly #writes = new Set<Promise<unknown>>()
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  #adopting: ReturnType<typeof setInterval> | undefined
  #closed = false

  constructor(private readonly o: OutboxOptions) {
    this.#opened = new Promise((resolve) => (this.#opening = resolve))
  }

  /** Takes what an earlier page of this tab has left, before anything newer, and keeps from now on. */
  async restore(storage: OutboxStorage | undefined, owner: string): Promise<void> {
    if (this.#restored) return
    this.#owner = owner
    let left: Kept[] = []
    try {
      left = (await storage?.claim(owner, owner)) ?? []
    } catch (error) {
      this.o.log('outbox:', error)
      storage = undefined
    }
    if (this.#closed) {
      storage?.close()
      return
    }
    this.#storage = storage
    const newer = [...this.#lanes]
    this.#lanes.clear()
    for (const kept of left) this.#takeBack(kept)
    for (const [lane, entries] of newer) this.#lanes.set(lane, [...(this.#lanes.get(lane) ?? []), ...entries])
    this.#restored = true
    this.#opening(storage)
    this.#changed()
    this.#pump()
  }

  /** Belongs to another client id from now on, after somebody took the one before: what is kept goes along. */
  async own(owner: string): Promise<void> {
    const before = this.#owner
    if (owner === before) return
    this.#owner = owner
    try {
      await this.#storage?.claim(before, owner)
    } catch (error) {
      this.o.log('outbox:', error) // then it may be sent twice, which changes nothing
    }
  }

  /** Sends, and resolves when the broker has stored it. */
  send(topic: string, payload: string, seconds?: number): Promise<void> {
    if (this.#closed) return Promise.reject(new FitmqError('closed', 'the client was closed', { topic }))
    if (this.#count >= maxWaiting || this.#bytes + payload.length > maxWaitingBytes) {
      return Promise.reject(new FitmqError('outbox-full', `${this.#count} messages wait for a connection already`, { topic }))
    }
    const at = Date.now()
    const until = seconds === undefined ? undefined : at + seconds * 1000
    return new Promise((resolve, reject) => {
      const saved = this.#save({ topic, payload, at, ...(until === undefined ? {} : { until }) })
      const waited = this.#way === undefined || this.#lanes.get(topic)?.at(-1)?.waited === true
      this.#append({ topic, payload, until, waited, tries: 0, inFlight: false, saved, resolve, reject })
      this.#changed()
      this.#pump()
    })
  }

  attach(way: Way): void {
    this.#way = way
    this.#pump()
    void this.#adopt()
    clearInterval(this.#adopting)
    this.#adopting = setInterval(() => void this.#adopt(), adoptEvery)
  }

  detach(): void {
    this.#way = undefined
    clearInterval(this.#adopting)
    for (const lane of this.#lanes.values()) for (const e of lane) e.waited = true
  }

  /** Lets go of everything; what is kept stays for the next page. */
  close(): void {
    this.#closed = true
    this.detach()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    for (const lane of this.#lanes.values()) {
      for (const e of lane) e.reject(new FitmqError('closed', 'the client was closed', { topic: e.topic }))
    }
    this.#lanes.clear()
    this.#opening(undefined)
    // What was written or sent just now is still noted; nobody has to wait for that.
    void Promise.allSettled(this.#writes).then(() => this.#storage?.close())
  }

  /** Does a write, which close waits for before it closes the storage. */
  async #written<T>(write: Promise<T>): Promise<T> {
    this.#writes.add(write)
    try {
      return await write
    } finally {
      this.#writes.delete(write)
    }
  }

  async #save(kept: Omit<Kept, 'n' | 'owner'>): Promise<number | undefined> {
    try {
      const storage = this.#storage ?? (await this.#opened)
      return storage && (await this.#written(storage.add({ ...kept, owner: this.#owner })))
    } catch (error) {
      this.o.log('outbox:', error)
      return undefined
    }
  }

  #append(e: Entry): void {
    const lane = this.#lanes.get(e.topic)
    if (lane) lane.push(e)
    else this.#lanes.set(e.topic, [e])
    this.#count++
    this.#bytes += e.payload.length
  }

  #takeBack(kept: Kept): void {
    const { topic, payload, until } = kept
    this.#append({
      topic,
      payload,
      until,
      waited: true,
      tries: 0,
      inFlight: false,
      saved: Promise.resolve(kept.n),
      resolve: () => undefined,
      reject: (error) => this.o.failed(error),
    })
  }

  /** Sends the first message of every topic that has none on the way. */
  #pump(): void {
    if (!this.#restored) return
    for (const lane of this.#lanes.values()) {
      const way = this.#way
      const e = lane[0]
      if (way === undefined || this.#inFlight >= maxInFlight) return
      if (e !== undefined && !e.inFlight) void this.#sendOne(way, e)
    }
  }

  async #sendOne(way: Way, e: Entry): Promise<void> {
    e.inFlight = true
    this.#inFlight++
    let error: FitmqError | undefined
    let wait = 0
    try {
      const expiry = e.until === undefined ? undefined : Math.floor((e.until - Date.now()) / 1000)
      if (expiry !== undefined && expiry < 1) throw new FitmqError('expired', 'it could not be sent in time', { topic: e.topic })
      await way.publish({ topic: this.o.expand(e.topic), payload: e.payload, qos: 1, expiry })
    } catch (cause) {
      error = asFitmqError(cause)
      wait = this.#waitAfter(e, error)
    }
    this.#inFlight--
    if (this.#closed) return
    if (error === undefined || wait === 0) {
      e.inFlight = false
      this.#settle(e, error)
      this.#pump()
      return
    }
    if (wait === Infinity) {
      e.inFlight = false // the next way takes it
      if (this.#way !== undefined && this.#way !== way) this.#pump()
      return
    }
    this.#later(wait, () => {
      e.inFlight = false
      this.#pump()
    })
  }

  /** How long to wait until the message is tried again, in ms: 0 for not, Infinity for until there is another way. */
  #waitAfter(e: Entry, error: FitmqError): number {
    switch (error.code) {
      case 'network':
      case 'closed':
      case 'sign-in':
        // A way by requests stays when one of them fails.
        return this.#way?.name === 'sse' ? 2_000 : Infinity
      case 'unavailable':
      case 'busy':
        return 2_000
      case 'rate':
      case 'quota':
        if (!e.waited || ++e.tries > maxTries) return 0
        return Math.max(error.retryAfter ?? 1, 0.2) * 1000
      default:
        return 0
    }
  }

  #settle(e: Entry, error: FitmqError | undefined): void {
    const lane = this.#lanes.get(e.topic)
    lane?.splice(lane.indexOf(e), 1)
    if (lane?.length === 0) this.#lanes.delete(e.topic)
    this.#count--
    this.#bytes -= e.payload.length
    void this.#written(this.#unsave(e))
    if (error) e.reject(error)
    else e.resolve()
    this.#changed()
  }

  async #unsave(e: Entry): Promise<void> {
    const n = await e.saved
    if (n === undefined) return
    try {
      await this.#storage?.remove(n)
    } catch (error) {
      this.o.log('outbox:', error) // it is sent again then, which changes nothing
    }
  }

  /** Takes over what tabs have left that were closed before they could send it. */
  async #adopt(): Promise<void> {
    const storage = await this.#opened
    if (storage === undefined || this.#closed) return
    try {
      const owners = new Map<string, number>()
      for (const e of await storage.all()) owners.set(e.owner, Math.max(owners.get(e.owner) ?? 0, e.at))
      owners.delete(this.#owner)
      for (const [owner, newest] of owners) await this.#adoptFrom(storage, owner, newest)
    } catch (error) {
      if (!this.#closed) this.o.log('outbox:', error)
    }
  }

  async #adoptFrom(storage: OutboxStorage, owner: string, newest: number): Promise<void> {
    const take = async (): Promise<void> => {
      for (const kept of await storage.claim(owner, this.#owner)) this.#takeBack(kept)
      this.#changed()
      this.#pump()
    }
    const locks = globalThis.navigator?.locks
    if (!locks) return newest < Date.now() - orphanAge ? take() : undefined
    // A tab holds the lock of its client id for as long as it lives.
    await locks.request(`fitmq:client:${owner}`, { ifAvailable: true }, (lock) => (lock === null || this.#closed ? undefined : take()))
  }

  #later(ms: number, fn: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      fn()
    }, ms)
    this.#timers.add(timer)
  }

  #changed(): void {
    this.o.waiting(this.#count)
  }
}
