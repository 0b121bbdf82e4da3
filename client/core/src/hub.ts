// What the application wants to hear: which filters the broker has to be asked for, and who hears what comes.
import { Emitter, trim, type Off } from './emitter.js'
import { FitmqError } from './errors.js'
import type { TopicKind } from './generated.js'
import { isState, matches, parseTopic } from './topics.js'
import type { Incoming, Wanted, Way } from './transport.js'

/** A message as listeners get it. */
export interface Received<T = unknown> {
  topic: string
  /** What the topic is; undefined for one that is none of the fitness topics. */
  kind: TopicKind | undefined
  /** The ids in the topic, in their order. */
  ids: readonly string[]
  /** The JSON value, or the text where it is none. */
  payload: T
  qos: number
  retain: boolean
}

/** A subscription at the broker. */
export interface Held {
  /** Resolves when the broker has granted it for the first time; rejects when it refuses, or when it is given up before. */
  ready: Promise<void>
  release: Off
}

interface Holding {
  filter: string
  count: number
  /** Whether the broker was asked on this way, and whether it has granted it. */
  asked: boolean
  granted: boolean
  /** Whether it was granted ever since this page began: then its retained messages are here. */
  known: boolean
  error: FitmqError | undefined
  waiting: { resolve(): void; reject(error: FitmqError): void }[]
  linger: ReturnType<typeof setTimeout> | undefined
}

/** After the last one lets go, this long until the broker is told, in ms: a component that is only mounted anew does not leave. */
const linger = 50
/** How many messages are remembered to tell repeats. The oldest are forgotten: such a repeat would be heard twice. */
const rememberedMessages = 1_000
/** How many topics' newest values are kept for late listeners. Over it the oldest goes: a late listener then waits for the next. */
const rememberedTopics = 5_000

export class Hub {
  readonly #holdings = new Map<string, Holding>()
  readonly #listeners = new Set<{ pattern: string; emitter: Emitter<Received> }>()
  readonly #seen = new Set<string>()
  readonly #newest = new Map<string, Received>()
  #way: Way | undefined
  /** Hears every message that is not a repeat, before all others. */
  readonly all = new Emitter<Received>()
  /** Hears when a filter is wanted for the first time, or not any more. */
  readonly changed = new Emitter<readonly string[]>()
  /** Hears of filters that are refused. */
  readonly refused = new Emitter<FitmqError>()

  /** expand writes out who one is in a filter or topic. */
  constructor(private readonly expand: (topic: string) => string) {}

  /** The filters that are wanted now. */
  filters(): string[] {
    return [...this.#holdings.values()].map((h) => this.expand(h.filter))
  }

  /** Has the broker subscribe the filter for as long as anybody holds it. */
  hold(filter: string): Held {
    let h = this.#holdings.get(filter)
    if (h === undefined) {
      h = { filter, count: 0, asked: false, granted: false, known: false, error: undefined, waiting: [], linger: undefined }
      this.#holdings.set(filter, h)
      this.changed.emit(this.filters())
    }
    const holding = h
    clearTimeout(holding.linger)
    holding.linger = undefined
    holding.count++
    const ready = new Promise<void>((resolve, reject) => {
      if (holding.granted) resolve()
      else holding.waiting.push({ resolve, reject })
    })
    ready.catch(() => undefined) // who does not look at it has onError
    if (!holding.asked && this.#way) void this.#ask(this.#way, [holding])
    let held = true
    return {
      ready,
      release: () => {
        if (!held) return
        held = false
        if (--holding.count === 0) holding.linger = setTimeout(() => this.#drop(holding), linger)
      },
    }
  }

  /**
   * Hears what comes on matching topics, beginning with their newest values where those are kept. gone hears of
   * empty payloads, which say that there is no value any more.
   */
  listen<T>(pattern: string, fn: (m: Received<T>) => void, gone?: (m: Received) => void): Off {
    const emitter = new Emitter<Received>()
    const entry = { pattern, emitter }
    emitter.on((m) => (m.payload === '' ? gone?.(m) : fn(m as Received<T>)))
    this.#listeners.add(entry)
    const kept = [...this.#newest.values()].filter((m) => matches(this.expand(pattern), m.topic))
    queueMicrotask(() => {
      for (const m of kept) if (this.#newest.get(m.topic) === m) emitter.emit(m)
    })
    return () => {
      emitter.clear()
      this.#listeners.delete(entry)
    }
  }

  /** Subscribes everything on a new way. */
  async attach(way: Way): Promise<void> {
    this.#way = way
    for (const h of this.#holdings.values()) h.asked = h.granted = false
    await this.#ask(way, [...this.#holdings.values()].filter((h) => h.count > 0))
  }

  /**
   * The broker says that a right has ended. Whoever holds that filter hears of it where it is so for this client, which
   * asking again tells: the word is for all of a user's clients. False where nobody holds it.
   */
  recheck(filter: string): boolean {
    const holding = [...this.#holdings.values()].find((h) => h.granted && this.expand(h.filter) === filter)
    if (holding === undefined) return false
    holding.asked = holding.granted = holding.known = false
    if (this.#way) void this.#ask(this.#way, [holding])
    return true
  }

  detach(): void {
    this.#way = undefined
    for (const h of this.#holdings.values()) h.asked = h.granted = false
  }

  /** Takes in a message. */
  receive(m: Incoming): void {
    const parsed = parseTopic(m.topic)
    let payload: unknown = m.payload
    try {
      payload = JSON.parse(m.payload)
    } catch {
      // text it is
    }
    const received: Received = { topic: m.topic, kind: parsed?.kind, ids: parsed?.ids ?? [], payload, qos: m.qos, retain: m.retain }
    const state = parsed !== undefined && isState(parsed.kind)
    // A QoS 1 message on a fitness topic has an id or a time in it: an equal one is the same one again, after a
    // lost acknowledgement or over the other way. Elsewhere two equal messages may be two.
    if (parsed && !state && m.qos > 0 && !m.retain && this.#repeated(m.topic, payload)) return
    if (state || m.retain) this.#remember(received, m.payload === '')
    this.all.emit(received)
    for (const l of [...this.#listeners]) if (matches(this.expand(l.pattern), m.topic)) l.emitter.emit(received)
  }

  clear(): void {
    for (const h of this.#holdings.values()) {
      clearTimeout(h.linger)
      for (const w of h.waiting.splice(0)) w.reject(new FitmqError('closed', 'the client was closed'))
    }
    this.#holdings.clear()
    for (const l of this.#listeners) l.emitter.clear() // also in the middle of a message
    this.#listeners.clear()
    this.#newest.clear()
    this.#seen.clear()
    this.all.clear()
    this.refused.clear()
    this.changed.clear()
    this.#way = undefined
  }

  #repeated(topic: string, payload: unknown): boolean {
    const key = topic + JSON.stringify(payload)
    const before = this.#seen.has(key)
    this.#seen.delete(key)
    this.#seen.add(key)
    trim(this.#seen, rememberedMessages)
    return before
  }

  #remember(m: Received, gone: boolean): void {
    this.#newest.delete(m.topic)
    if (!gone) this.#newest.set(m.topic, m)
    trim(this.#newest, rememberedTopics)
  }

  async #ask(way: Way, holdings: Holding[]): Promise<void> {
    if (holdings.length === 0) return
    const wanted: Wanted[] = holdings.map((h) => ({ filter: this.expand(h.filter), fresh: !h.known }))
    let errors: Map<string, FitmqError>
    for (const h of holdings) h.asked = true
    try {
      errors = await way.subscribe(wanted)
    } catch (error) {
      if (way !== this.#way || !(error instanceof FitmqError) || error.code === 'network' || error.code === 'closed') return // the next way asks again
      errors = new Map(wanted.map((w) => [w.filter, error]))
    }
    if (way !== this.#way) return
    for (const h of holdings) this.#answered(h, errors.get(this.expand(h.filter)))
  }

  #answered(h: Holding, error: FitmqError | undefined): void {
    h.granted = error === undefined
    h.asked = h.granted // what was refused is asked again by the next who wants it
    h.known ||= h.granted
    h.error = error
    for (const w of h.waiting.splice(0)) {
      if (error) w.reject(error)
      else w.resolve()
    }
    if (error) this.refused.emit(error)
  }

  #drop(h: Holding): void {
    if (h.count > 0 || this.#holdings.get(h.filter) !== h) return
    this.#holdings.delete(h.filter)
    for (const w of h.waiting.splice(0)) w.reject(new FitmqError('closed', 'unsubscribed'))
    const filter = this.expand(h.filter)
    const others = this.filters()
    this.changed.emit(others)
    for (const topic of this.#newest.keys()) {
      if (matches(filter, topic) && !others.some((f) => matches(f, topic))) this.#newest.delete(topic)
    }
    // If it fails the way is broken, and the next one does not ask for the filter.
    if (this.#way) this.#way.unsubscribe([filter]).catch(() => undefined)
  }
}
