import { Challenge } from './challenge.js'
import { ConversationHandle } from './chat.js'
import { Core } from './core.js'
import { Credentials } from './credentials.js'
import { View, type Off } from './emitter.js'
import { asFitmqError, FitmqError, fromMqtt } from './errors.js'
import type { Achievement, Conversation, Notification, Presence, Receipt, Refusal, Unread } from './generated.js'
import { Http } from './http.js'
import type { Received } from './hub.js'
import { asId } from './ids.js'
import { Link } from './link.js'
import { PartnerFinder } from './match.js'
import { addresses, loadFallback, waysOf, type ConnectOptions } from './options.js'
import { Inbox } from './inbox.js'
import { announce, networkIsOff, pageWantsLog, watchPage } from './page.js'
import { Receipts, SentMessage, type MessageInput } from './sent.js'
import { openStorage } from './storage.js'
import { ClientIds, FilterNote } from './tab.js'
import { topicOf } from './topics.js'
import { Training } from './training.js'
import type { TransportName, Way } from './transport.js'
import { WorkoutSession } from './workout.js'

/** How it stands with the connection. */
export interface Status {
  /** What carries the messages now. */
  readonly transport: TransportName | 'offline'
  /** connecting: for the first time; reconnecting: just lost; offline: lost for longer; closed: by close, or refused for good. */
  readonly state: 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'closed'
  readonly userId: string | undefined
  /** How many messages wait until they can be sent. */
  readonly waiting: number
  /** Why it is not connected, as far as that is known. */
  readonly error: FitmqError | undefined
}

/** A subscription of one's own. */
export interface Subscription {
  /** Resolves when the broker grants it, rejects when it refuses. */
  readonly ready: Promise<void>
  close(): void
}

/** How long after its first connection a page has subscribed what it wants, in ms. */
const settleIn = 3_000
/** Without a connection for so long one is offline, in ms. */
const offlineAfter = 12_000

/**
 * A client of the broker. It connects by itself, stays connected as well as the network lets it, and keeps what is
 * sent meanwhile.
 */
export class Client {
  readonly #core: Core
  readonly #link: Link
  readonly #ids: ClientIds
  readonly #status: View<Status>
  #now: Status
  readonly #receipts = new Receipts()
  readonly #leavePage: Off
  readonly #note = new FilterNote()
  #tidying: ReturnType<typeof setTimeout> | undefined
  #patience: ReturnType<typeof setTimeout> | undefined
  #closing: Promise<void> | undefined
  #restoring: Promise<void> | undefined

  constructor(options: ConnectOptions) {
    const { base, socket } = addresses(options.url)
    const credentials = new Credentials(options)
    this.#now = { transport: 'offline', state: 'connecting', userId: credentials.user, waiting: 0, error: undefined }
    this.#status = new View(() => this.#now)
    this.#ids = new ClientIds(options.clientId)
    const log = (...what: unknown[]): void => {
      if (options.debug ?? pageWantsLog()) console.debug('[fitmq]', ...what)
    }
    this.#core = new Core(credentials, new Http(base, credentials), (waiting) => this.#set({ waiting }), log)
    this.#link = new Link({
      base,
      socket,
      sessionExpiry: options.sessionExpiry ?? 4 * 3600,
      connectTimeout: options.connectTimeout ?? 6_000,
      ways: waysOf(options.transports, this.#core.http),
      credentials,
      ids: this.#ids,
      filters: () => this.#core.hub.filters(),
      attach: (way, user) => void this.#attach(way, user, options),
      detach: (handover) => this.#detach(handover),
      message: (m) => {
        log('<-', m.topic, m.payload)
        this.#core.hub.receive(m)
      },
      failed: (error) => this.#set({ error }),
      over: (error) => this.#over(error),
      log,
    })
    this.#feed(options)
    this.#leavePage = watchPage({ up: () => this.#back(), down: () => this.#state('offline') })
    this.#arm()
    queueMicrotask(() => {
      if (this.#closing) return
      this.#link.start()
      if (credentials.user !== undefined) void this.#restore(credentials.user, options)
    })
  }

  /** How it stands now. */
  get status(): Status {
    return this.#now
  }

  /** The same as a store: get and subscribe. */
  get statusStore(): Pick<View<Status>, 'get' | 'subscribe'> {
    return this.#status
  }

  /** What carries the messages now. */
  get transport(): Status['transport'] {
    return this.status.transport
  }

  /** Who one is; undefined until the first token is there. */
  get userId(): string | undefined {
    return this.#core.me || undefined
  }

  onStatus(fn: (status: Status) => void): Off {
    return this.#status.subscribe(fn)
  }

  /** Every failure, those included that no promise tells. */
  onError(fn: (error: FitmqError) => void): Off {
    return this.#core.errors.on(fn)
  }

  /** Resolves with the first connection; rejects when there will be none. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = ({ state, error }: Status): boolean => {
        if (state === 'connected') resolve()
        else if (state === 'closed') reject(error ?? new FitmqError('closed', 'the client was closed'))
        else return false
        return true
      }
      if (look(this.status)) return
      const off = this.onStatus((status) => look(status) && off())
    })
  }

  /** Takes part in a live workout. */
  joinSession(id: string | number): WorkoutSession {
    return new WorkoutSession(this.#core, asId(id))
  }

  /** Takes part in a training: a session with form corrections. */
  joinTraining(id: string | number): Training {
    return new Training(this.#core, asId(id))
  }

  /** Takes part in a challenge. */
  joinChallenge(id: string | number): Challenge {
    return new Challenge(this.#core, asId(id))
  }

  /** Opens a conversation: a group by its id, or the one with a user. */
  conversation(which: string | { with: string | number }): ConversationHandle {
    return new ConversationHandle(this.#core, this.#receipts, typeof which === 'string' ? which : `{with:${asId(which.with)}}`)
  }

  /** One's conversations, with how many messages of each are unread. */
  async conversations(): Promise<readonly Conversation[]> {
    return (await this.#core.http.request<{ items: Conversation[] }>('GET', '/conversations')).items
  }

  /**
   * Sends a message: to the recipientId, or to the conversation or session that it names. Await it for stored; it has
   * delivered and read. The message's JSON goes through as it is.
   */
  sendMessage(message: MessageInput & { readonly conversation?: string | undefined; readonly sessionId?: string | number | undefined }): SentMessage {
    const sent = new SentMessage(this.#core, chatTopic(message), message)
    this.#receipts.track(sent)
    return sent
  }

  /** Looks for partners nearby. */
  findPartner(): PartnerFinder {
    return new PartnerFinder(this.#core)
  }

  /** One's notifications, and which of them are read. */
  inbox(): Inbox {
    return new Inbox(this.#core)
  }

  /** Says that one is not there for now, or back; ends with the connection. */
  setAway(away: boolean): void {
    this.#core.sendNow(topicOf('userAway', '{me}'), { away }, 1).catch(() => undefined) // being offline says more
  }

  onNotification(fn: (notification: Notification) => void): Off {
    return this.#core.hub.listen<Notification>(topicOf('userNotification', '{me}'), (m) => fn(m.payload))
  }

  /** One's own awards. */
  onAchievement(fn: (award: Achievement) => void): Off {
    return this.#core.hub.listen<Achievement>(topicOf('userAchievement', '{me}'), (m) => fn(m.payload))
  }

  /** What became of messages that one has sent. */
  onReceipt(fn: (receipt: Receipt) => void): Off {
    return this.#core.hub.listen<Receipt>(topicOf('userReceipt', '{me}'), (m) => fn(m.payload))
  }

  /** How many messages and notifications are unread, right on every device. */
  onUnread(fn: (unread: Unread) => void): Off {
    return this.#core.hub.listen<Unread>(topicOf('userUnread', '{me}'), (m) => fn(m.payload))
  }

  /** Whether somebody is there: oneself, or a linked user or fellow participant. */
  onPresence(userId: string | number, fn: (presence: Presence) => void): Off {
    const topic = topicOf('userPresence', asId(userId))
    const held = asId(userId) === this.userId ? undefined : this.#core.hub.hold(topic)
    const off = this.#core.hub.listen<Presence>(topic, (m) => fn(m.payload))
    return () => {
      off()
      held?.release()
    }
  }

  /** Hears what comes on the topics that a filter matches; for topics of one's own. */
  subscribe<T = unknown>(filter: string, fn: (message: Received<T>) => void): Subscription {
    const held = this.#core.hub.hold(filter)
    const off = this.#core.hub.listen(filter, fn, fn as (m: Received) => void)
    held.ready.catch((error: unknown) => {
      const failure = asFitmqError(error)
      if (failure.code !== 'closed') this.#core.errors.emit(failure)
    })
    return {
      ready: held.ready,
      close: () => {
        off()
        held.release()
      },
    }
  }

  /** Publishes by the outbox; for topics of one's own. Resolves when the broker has stored it. */
  publish(topic: string, payload: unknown, options: { expiry?: number } = {}): Promise<void> {
    return this.#core.send(topic, payload, options.expiry)
  }

  /** Asks the REST interface, below /api/v1. */
  async request<T = unknown>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    return this.#core.http.request<T>(method, path, body)
  }

  /** Tries to connect now instead of later. */
  reconnect(): void {
    this.#link.hurry()
  }

  /**
   * Ends everything: no listener, timer or connection stays. The broker forgets the session unless keepSession says
   * that somebody of this client id comes back; what could not be sent yet stays in the outbox either way.
   */
  close(options: { keepSession?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#end(!options.keepSession)
    return this.#closing
  }

  #set(patch: Partial<Status>): void {
    this.#now = { ...this.#now, ...patch }
    this.#status.touch(true)
  }

  async #end(forget: boolean): Promise<void> {
    clearTimeout(this.#patience)
    clearTimeout(this.#tidying)
    this.#leavePage()
    for (const handle of [...this.#core.handles]) handle.close()
    this.#core.outbox.close()
    this.#core.hub.clear()
    this.#core.way = undefined
    const { error, state } = this.status
    this.#set({ state: 'closed', transport: 'offline', error: state === 'closed' ? error : undefined })
    await this.#link.close(forget)
    this.#ids.release()
    this.#status.close()
    this.#core.errors.clear()
    this.#core.online.clear()
  }

  /** Everything that is meant for oneself, and what comes of it here. */
  #feed(options: ConnectOptions): void {
    const { hub, errors } = this.#core
    hub.hold('user/{me}/#')
    hub.listen<Receipt>(topicOf('userReceipt', '{me}'), (m) => this.#receipts.take(m.payload))
    hub.listen<Refusal>(topicOf('userError', '{me}'), ({ payload: r }) => {
      if (hub.recheck(r.topic)) return
      errors.emit(fromMqtt(r.code, r.reason, { topic: r.topic, messageId: r.messageId, activityId: r.activityId }))
    })
    hub.refused.on((error) => {
      if (error.topic === this.#core.expand('user/{me}/#')) errors.emit(error)
    })
    hub.changed.on((filters) => this.#note.write(filters))
    if (options.windowEvents !== false) hub.all.on(announce)
  }

  async #attach(way: Way, user: string, options: ConnectOptions): Promise<void> {
    clearTimeout(this.#patience)
    this.#core.way = way
    this.#set({ state: 'connected', transport: way.name, userId: user, error: undefined })
    this.#tidy(way, this.#note.take(user))
    await this.#core.hub.attach(way)
    if (this.#core.way !== way) return
    await this.#restore(user, options)
    if (this.#core.way !== way) return
    this.#core.outbox.attach(way)
    loadFallback().catch(() => undefined) // then it is asked for again when it is needed
    this.#core.online.emit(true)
  }

  /** Gives up what the page before was subscribed to and this one does not want, once it has had time to say so. */
  #tidy(way: Way, left: readonly string[]): void {
    this.#note.write(this.#core.hub.filters())
    if (left.length === 0 || !way.resumed) return
    this.#tidying = setTimeout(() => {
      const wanted = this.#core.hub.filters()
      const stale = left.filter((f) => !wanted.includes(f))
      // Where it fails the connection is broken, and the session ends in its time.
      if (stale.length > 0) this.#core.way?.unsubscribe(stale).catch(() => undefined)
    }, settleIn)
  }

  #restore(user: string, options: ConnectOptions): Promise<void> {
    this.#restoring ??= (async () => {
      await this.#core.outbox.restore(await this.#openOutbox(user, options), await this.#ids.get(user))
    })()
    return this.#restoring.then(async () => this.#core.outbox.own(await this.#ids.get(user)))
  }

  async #openOutbox(user: string, options: ConnectOptions) {
    if (options.storage === 'memory') return undefined
    if (typeof options.storage === 'object') return options.storage
    try {
      return await openStorage(`fitmq:${addresses(options.url).base}:${user}`)
    } catch (cause) {
      const error = new FitmqError('storage', `what waits to be sent is lost with the page: ${asFitmqError(cause).reason}`, { cause })
      this.#core.log(error.reason)
      if (typeof window === 'object') this.#core.errors.emit(error) // outside of browsers nobody expects it
      return undefined
    }
  }

  #detach(handover: boolean): void {
    this.#core.way = undefined
    this.#core.hub.detach()
    this.#core.outbox.detach()
    if (handover) return // to the application it is one connection
    this.#core.online.emit(false)
    if (this.status.state === 'connected') this.#state(networkIsOff() ? 'offline' : 'reconnecting')
    this.#arm()
  }

  #over(error: FitmqError): void {
    this.#set({ error })
    this.#core.errors.emit(error)
    this.#set({ state: 'closed', transport: 'offline' })
    void this.close()
  }

  /** The network is back, as the browser says: the way there may have outlived it. */
  #back(): void {
    const { way } = this.#core
    if (way !== undefined && this.status.state === 'offline') this.#set({ state: 'connected', transport: way.name })
    this.#link.hurry()
  }

  #state(state: Status['state']): void {
    if (this.status.state !== 'closed') this.#set({ state, transport: state === 'connected' ? this.status.transport : 'offline' })
  }

  #arm(): void {
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => this.#core.way === undefined && this.#state('offline'), offlineAfter)
  }
}

/** Where a message goes. */
function chatTopic(m: { conversation?: unknown; sessionId?: unknown; recipientId?: unknown }): string {
  if (m.conversation !== undefined) return topicOf('chatMessage', String(m.conversation))
  if (m.sessionId !== undefined) return topicOf('sessionChat', String(m.sessionId))
  if (m.recipientId !== undefined) return topicOf('chatMessage', `{with:${String(m.recipientId)}}`)
  throw new FitmqError('invalid', 'a message needs a recipientId, a conversation or a sessionId')
}

/** Connects to a broker and stays connected until close. */
export function connect(options: ConnectOptions): Client {
  return new Client(options)
}
