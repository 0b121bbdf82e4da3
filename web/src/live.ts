// The connection: MQTT 5 over WebSocket to where the page came from. It reconnects by itself with full
// jitter, subscribes again each time, and hands each message to the state. React is told at most once a frame.
import type { IClientOptions, MqttClient } from 'mqtt'
import type { Ticket } from './fragment'
import { initialState, receive, reconnected, type LiveState } from './state'

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'offline'

/** Why the page must ask for a password again. */
export type SignInProblem = 'refused' | 'ended'

export interface Snapshot {
  live: LiveState
  connection: Connection
  /** Topic filters that the broker refused. */
  denied: readonly string[]
}

export interface LiveOptions {
  url: string
  ticket: Ticket
  clientId: (renew?: boolean) => string
  onSignInProblem: (problem: SignInProblem) => void
}

/** After this long without a connection the page says offline, in ms. It goes on trying. */
const offlineAfter = 12_000
/** Waits between attempts: a random share of a bound that doubles from the first to the last, in ms. */
const firstWait = 500
const lastWait = 10_000
const keepalive = 20 // seconds
/** A connection this short, in ms, and this many in a row, are two tabs that take one client id from each other. */
const shortLife = 3_000
const shortLives = 2

// MQTT 5 reason codes, and 4 and 5 of MQTT 3.1.1.
const signInRefused = new Set([4, 5, 0x86, 0x87, 0x8a, 0x8c])
const clientIdRefused = 0x85
const sessionTakenOver = 0x8e
const notAuthorized = 0x87
const refusedFrom = 0x80

export function filters(t: Ticket): string[] {
  const wanted = [`user/${t.user}/#`]
  if (t.session !== '') wanted.push(`session/${t.session}/#`)
  if (t.challenge !== '') {
    // One by one: the ranks of others below challenge/{id}/rank are theirs.
    for (const leaf of ['info', 'status', 'leaderboard', 'achievements', `rank/${t.user}`]) {
      wanted.push(`challenge/${t.challenge}/${leaf}`)
    }
  }
  return wanted
}

/** A live view of one session and one challenge, as an external store for React. */
export class Live {
  private snapshot: Snapshot
  private readonly listeners = new Set<() => void>()
  private client: MqttClient | undefined
  private frame = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private giveUp: ReturnType<typeof setTimeout> | undefined
  private attempts = 0
  private connectedAt = 0
  private known = false // that the broker has let us in before
  private short = 0
  private stopped = false

  constructor(private readonly options: LiveOptions) {
    const { user, session, challenge } = options.ticket
    this.snapshot = { live: initialState(user, session, challenge), connection: 'connecting', denied: [] }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly current = (): Snapshot => this.snapshot

  /** Connects and stays connected until stop. */
  async start(): Promise<void> {
    window.addEventListener('online', this.onOnline)
    window.addEventListener('offline', this.onOffline)
    this.armOffline()
    const { default: mqtt } = await import('mqtt')
    if (this.stopped) return
    this.client = mqtt.connect(this.options.url, this.connectOptions())
    this.listen(this.client)
  }

  stop(): void {
    this.stopped = true
    window.removeEventListener('online', this.onOnline)
    window.removeEventListener('offline', this.onOffline)
    clearTimeout(this.retry)
    clearTimeout(this.giveUp)
    cancelAnimationFrame(this.frame)
    this.client?.end()
    this.listeners.clear()
  }

  private connectOptions(): IClientOptions {
    return {
      protocolVersion: 5,
      clean: true,
      clientId: this.options.clientId(),
      username: this.options.ticket.user,
      password: this.options.ticket.password,
      keepalive,
      connectTimeout: 8_000,
      reconnectPeriod: 0, // we wait ourselves, with jitter
      resubscribe: false, // and subscribe on every connect, to hear what is refused
    }
  }

  private listen(client: MqttClient): void {
    client.on('connect', () => {
      this.attempts = 0
      this.connectedAt = Date.now()
      this.known = true
      clearTimeout(this.giveUp)
      this.giveUp = undefined
      this.update({ live: reconnected(this.snapshot.live), connection: 'live' })
      this.subscribeAll(client)
    })
    client.on('message', (topic, payload, packet) => {
      const before = this.snapshot.live
      const live = receive(before, { topic, payload, retained: packet.retain }, Date.now())
      if (live.malformed !== before.malformed) console.warn(`malformed message ${live.malformed}:`, live.fault)
      this.update({ live })
    })
    client.on('disconnect', (packet) => {
      if (packet.reasonCode === sessionTakenOver) this.renewClientId()
      if (packet.reasonCode === notAuthorized) this.signInAgain('ended')
    })
    client.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined
      if (code === clientIdRefused) this.renewClientId()
      if (typeof code === 'number' && signInRefused.has(code)) this.signInAgain(this.known ? 'ended' : 'refused')
    })
    client.on('close', () => this.onClose())
  }

  private subscribeAll(client: MqttClient): void {
    client.subscribe(filters(this.options.ticket), { qos: 1 }, (error, granted, packet) => {
      if (packet === undefined && error) return // the connection went first; the next one subscribes again
      const codes = packet?.granted ?? granted?.map((g) => g.qos) ?? []
      const denied = filters(this.options.ticket).filter((_, i) => Number(codes[i] ?? 0) >= refusedFrom)
      if (denied.length > 0) console.info('not allowed:', denied.join(', '))
      this.update({ denied })
    })
  }

  private onClose(): void {
    if (this.stopped) return
    if (this.connectedAt !== 0) {
      this.short = Date.now() - this.connectedAt < shortLife ? this.short + 1 : 0
      this.connectedAt = 0
      if (this.short >= shortLives) this.renewClientId() // not every way here lets the DISCONNECT that says so through
    }
    if (this.snapshot.connection === 'live') {
      this.update({ connection: navigator.onLine ? 'reconnecting' : 'offline' })
    }
    this.armOffline()
    clearTimeout(this.retry)
    const bound = Math.min(lastWait, firstWait * 2 ** this.attempts++)
    this.retry = setTimeout(() => this.client?.reconnect(), 100 + Math.random() * bound)
  }

  /** Takes another client id: this tab is a copy, and the one that it copied uses the id. */
  private renewClientId(): void {
    this.short = 0
    if (this.client) this.client.options.clientId = this.options.clientId(true)
  }

  private armOffline(): void {
    this.giveUp ??= setTimeout(() => this.update({ connection: 'offline' }), offlineAfter)
  }

  private readonly onOffline = (): void => {
    this.update({ connection: 'offline' })
  }

  private readonly onOnline = (): void => {
    this.attempts = 0
    if (this.client?.connected) return this.update({ connection: 'live' })
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.client?.reconnect(), 100)
  }

  private signInAgain(problem: SignInProblem): void {
    if (this.stopped) return
    this.stop()
    this.options.onSignInProblem(problem)
  }

  /** Changes the snapshot at once and tells React once a frame, however many messages a frame brings. */
  private update(change: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...change }
    if (this.frame !== 0) return
    this.frame = requestAnimationFrame(() => {
      this.frame = 0
      for (const listener of this.listeners) listener()
    })
  }
}
