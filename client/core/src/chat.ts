import { Handle, type Core } from './core.js'
import { Emitter, View, type Off } from './emitter.js'
import { asFitmqError } from './errors.js'
import type { Message, Receipt } from './generated.js'
import { SentMessage, type MessageInput, type MessageState, type Receipts } from './sent.js'
import { topicOf } from './topics.js'
import { queryOf, type History, type HistoryQuery } from './workout.js'

/** A message in a conversation's state; mine have how far they have come. */
export interface ChatItem extends Message {
  readonly mine: boolean
  readonly state?: MessageState
}

/** What is known of a conversation now. */
export interface ConversationState {
  /** The newest messages, oldest first, as they read now; those not stored yet at the end, with seq 0. */
  readonly messages: readonly ChatItem[]
  /** Who is writing at the moment. */
  readonly typing: readonly string[]
  readonly unread: number
  /** Whether the newest part of the history is in messages. */
  readonly loaded: boolean
}

/** How long somebody counts as writing, and how often one says so oneself, in ms. */
const typingFor = 5_000
const typingEvery = 2_000
/** How many messages are kept in the state (a message more drops the oldest; loadEarlier brings them back), and how many are loaded first. */
const kept = 500
const firstPage = 50

/** A conversation: of two, or a group. */
export class ConversationHandle extends Handle {
  readonly state: View<ConversationState>
  readonly #items = new Map<number, Message>()
  /** What the first page of the history brought and is told yet if it comes by itself as well: then it is news. */
  readonly #untold = new Set<number>()
  readonly #sending = new Set<SentMessage>()
  readonly #heard = new Emitter<Message>()
  readonly #typists = new Map<string, { since: number; timer: ReturnType<typeof setTimeout> }>()
  readonly #reached = { delivered: 0, read: 0 }
  #unread = 0
  #loaded = false
  #head = 0
  #filling: Promise<void> | undefined
  #toldTyping = 0
  #marked = ''

  /** topicId is the conversation's id as topics say it: the id, or {with:USER}. */
  constructor(
    core: Core,
    private readonly receipts: Receipts,
    private readonly topicId: string,
  ) {
    super(core)
    this.state = new View(() => this.#build())
    this.own(() => this.state.close())
    this.own(() => this.#typists.forEach(({ timer }) => clearTimeout(timer)))
    this.own(() => this.typing(false))
    this.hold(topicOf('chatTyping', topicId))
    this.listen<Message>(topicOf('userChat', '{me}', topicId), (m) => this.#arrive(m.payload))
    this.listen<Receipt>(topicOf('userReceipt', '{me}'), (m) => m.payload.conversation === this.id && this.#receipt(m.payload))
    this.listen<{ conversations: Record<string, number> }>(topicOf('userUnread', '{me}'), (m) => {
      this.#unread = m.payload.conversations[this.id] ?? 0
      this.state.touch()
    })
    this.#listenTyping(({ userId, typing, at }) => this.#typist(userId, typing ? at : undefined))
    this.on(core.online, (up) => up && void this.#load())
    if (core.way !== undefined) void this.#load()
  }

  /** The conversation's id. */
  get id(): string {
    return this.core.expand(this.topicId)
  }

  /** Says something. Await the answer for stored; it has delivered and read. */
  send(message: string | MessageInput): SentMessage {
    const sent = new SentMessage(this.core, topicOf('chatMessage', this.topicId), message)
    this.receipts.track(sent)
    this.#sending.add(sent)
    sent.onState(() => this.closed || this.state.touch())
    this.state.touch()
    return sent
  }

  /** Replaces the text of a message of one's own. */
  edit(messageId: string, content: string): SentMessage {
    return new SentMessage(this.core, topicOf('chatMessage', this.topicId), { kind: 'edit', target: messageId, content })
  }

  /** Takes back a message of one's own. */
  delete(messageId: string): SentMessage {
    return new SentMessage(this.core, topicOf('chatMessage', this.topicId), { kind: 'delete', target: messageId })
  }

  /** Every message, one's own from other devices too, in order and without gaps. */
  onMessage(fn: (message: Message) => void): Off {
    return this.on(this.#heard, fn)
  }

  onTyping(fn: (t: { userId: string; typing: boolean }) => void): Off {
    return this.#listenTyping(({ userId, typing }) => fn({ userId, typing }))
  }

  /** What became of messages that one has sent here. */
  onReceipt(fn: (receipt: Receipt) => void): Off {
    return this.listen<Receipt>(topicOf('userReceipt', '{me}'), (m) => m.payload.conversation === this.id && fn(m.payload))
  }

  /** Says that one is writing; call it at every key. false: not any more. */
  typing(typing = true): void {
    const now = Date.now()
    if (typing ? now - this.#toldTyping < typingEvery : this.#toldTyping === 0) return
    this.#toldTyping = typing ? now : 0
    // Worth nothing later, so a failure is no news; the next key tries again.
    this.core.sendNow(topicOf('chatTyping', this.topicId), { typing }, 0).catch(() => (this.#toldTyping = 0))
  }

  /** Says that one has read up to a message, the newest unless one is named. */
  markRead(messageId?: string): Promise<void> {
    const newest = messageId ?? this.#newest()?.messageId
    if (newest === undefined || newest === this.#marked) return Promise.resolve()
    this.#marked = newest
    return this.core.send(topicOf('chatRead', this.topicId), { messageId: newest })
  }

  /** A part of the history. */
  async history(query: HistoryQuery = {}): Promise<History> {
    await this.core.whoAmI()
    return this.core.http.request('GET', `/conversations/${this.id}/messages${queryOf({ ...query })}`)
  }

  /** Puts the part of the history before what is loaded into the state; false when there is none. */
  async loadEarlier(limit = firstPage): Promise<boolean> {
    const oldest = Math.min(...this.#items.keys())
    if (!Number.isFinite(oldest) || oldest <= 1) return false
    const { items } = await this.history({ before: oldest, limit })
    for (const m of items) this.#items.set(m.seq, m)
    this.state.touch()
    return items.length > 0
  }

  #newest(): Message | undefined {
    return this.#items.get(Math.max(...this.#items.keys()))
  }

  /** Fetches what is missing, once for all who ask meanwhile. */
  #load(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => (this.#filling = undefined))
    return this.#filling
  }

  async #fill(): Promise<void> {
    try {
      for (;;) {
        const first = !this.#loaded
        const { items, head } = await this.history(first ? { limit: firstPage } : { after: this.#head, limit: firstPage })
        if (this.closed) return
        for (const m of items) this.#put(m, first)
        this.#loaded = true
        if (first) this.#head = Math.max(this.#head, head)
        this.state.touch()
        if (first || items.length === 0 || this.#head >= head) return
      }
    } catch (error) {
      const failure = asFitmqError(error)
      if (this.closed) return
      // A conversation that nobody has begun is empty; without a connection the next one loads.
      if (failure.code === 'not-found') this.#loaded = true
      else if (failure.code !== 'network') this.core.errors.emit(failure)
      this.state.touch()
    }
  }

  #arrive(m: Message): void {
    const change = m.kind === 'edit' || m.kind === 'delete'
    if (this.#loaded && !change && m.seq > this.#head + 1) void this.#load() // a gap: the history has what is missing, and this one
    else this.#put(m, false)
  }

  /** Takes a message in, and tells of it unless it is history. */
  #put(m: Message, quiet: boolean): void {
    const before = this.#items.get(m.seq)
    const change = m.kind === 'edit' || m.kind === 'delete'
    if (change) {
      if (before) this.#items.set(m.seq, changed(before, m))
    } else {
      this.#items.set(m.seq, before ? { ...before, ...m } : m)
      this.#head = Math.max(this.#head, m.seq)
      this.#wrote(m)
    }
    this.#drop()
    for (const s of this.#sending) if (s.messageId === m.messageId) this.#sending.delete(s)
    if (quiet && !before) this.#untold.add(m.seq)
    if (!quiet && (this.#untold.delete(m.seq) || change || !before)) this.#heard.emit(m)
    this.state.touch()
  }

  /** Lets go of the oldest above kept. By seq: earlier pages come later, so the order of arrival says nothing. */
  #drop(): void {
    if (this.#items.size <= kept) return
    const oldest = [...this.#items.keys()].sort((a, b) => a - b).slice(0, this.#items.size - kept)
    for (const seq of oldest) {
      this.#items.delete(seq)
      this.#untold.delete(seq)
    }
  }

  #receipt(r: Receipt): void {
    if (r.state === 'stored' || (r.count !== undefined && r.of !== undefined && r.count < r.of)) return
    this.#reached[r.state] = Math.max(this.#reached[r.state], r.seq)
    this.state.touch()
  }

  #listenTyping(fn: (t: { userId: string; typing: boolean; at: number }) => void): Off {
    return this.listen<{ senderId: string; typing?: boolean; timestamp?: string }>(topicOf('chatTyping', this.topicId), ({ payload: p }) => {
      if (p.senderId !== this.core.me) fn({ userId: p.senderId, typing: p.typing !== false, at: Date.parse(p.timestamp ?? '') })
    })
  }

  /** Who writes since then, by the broker's clock; undefined: who does not write any more. */
  #typist(userId: string, since: number | undefined): void {
    clearTimeout(this.#typists.get(userId)?.timer)
    if (since === undefined && !this.#typists.delete(userId)) return
    if (since !== undefined) this.#typists.set(userId, { since, timer: setTimeout(() => this.#typist(userId, undefined), typingFor) })
    this.state.touch()
  }

  /** Who has said what they wrote writes no more. A message from before they began, as history brings them, says nothing of that. */
  #wrote(m: Message): void {
    const typist = this.#typists.get(m.senderId)
    if (typist !== undefined && !(Date.parse(m.timestamp) < typist.since)) this.#typist(m.senderId, undefined)
  }

  #build(): ConversationState {
    const { me } = this.core
    const stored = [...this.#items.values()].sort((a, b) => a.seq - b.seq)
    return {
      messages: [
        ...stored.map((m) => (m.senderId === me ? { ...m, mine: true, state: this.#stateOf(m) } : { ...m, mine: false })),
        ...[...this.#sending].map((s) => pending(s, me)),
      ],
      typing: [...this.#typists.keys()],
      unread: this.#unread,
      loaded: this.#loaded,
    }
  }

  #stateOf(m: Message): MessageState {
    if (m.seq <= this.#reached.read) return 'read'
    return m.seq <= this.#reached.delivered ? 'delivered' : 'stored'
  }
}

/** The message as it reads after an edit or a deletion. */
function changed(m: Message, change: Message): Message {
  if (change.kind === 'edit') return { ...m, content: change.content ?? '', editedAt: change.timestamp }
  const { content: _, ...rest } = m
  return { ...rest, deletedAt: change.timestamp }
}

function pending(s: SentMessage, me: string): ChatItem {
  const content = typeof s.payload['content'] === 'string' ? s.payload['content'] : ''
  return { type: 'chat', messageId: s.messageId, senderId: me, content, seq: 0, timestamp: '', mine: true, state: s.state }
}
