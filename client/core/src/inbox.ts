import { Handle, type Core } from './core.js'
import { View } from './emitter.js'
import { asFitmqError } from './errors.js'
import type { Notification, Unread } from './generated.js'
import { topicOf } from './topics.js'

/** What is known of one's notifications now. */
export interface InboxState {
  /** Newest first. */
  readonly notifications: readonly Notification[]
  readonly unread: number
  /** Whether the inbox has been read; before that there is what has come since. */
  readonly loaded: boolean
}

/** How many notifications are loaded and kept: as many as the broker keeps. */
const kept = 200
/** How often the inbox is read again when something comes meanwhile; what comes after the last time is added to it. */
const maxTries = 5

/** One's notifications: those that are in the inbox, and those that come. */
export class Inbox extends Handle {
  readonly state: View<InboxState>
  #items: Notification[] = []
  #unread = 0
  #loaded = false
  #loading: Promise<void> | undefined
  /** Counts what comes by itself: an answer that was under way meanwhile may not know of it. */
  #news = 0

  constructor(core: Core) {
    super(core)
    this.state = new View<InboxState>(() => ({ notifications: this.#items, unread: this.#unread, loaded: this.#loaded }))
    this.own(() => this.state.close())
    this.listen<Notification>(topicOf('userNotification', '{me}'), (m) => this.#add(m.payload))
    this.listen<Unread>(topicOf('userUnread', '{me}'), (m) => {
      this.#news++
      this.#unread = m.payload.notifications
      // Read or removed on another device: which, only the inbox says.
      if (this.#loaded && this.#unread !== this.#items.filter((n) => !n.read).length) void this.#load()
      this.state.touch()
    })
    this.on(core.online, (up) => up && void this.#load())
    if (core.way !== undefined) void this.#load()
  }

  /** Says that these have been read; all, unless ids are given. */
  markRead(...messageIds: string[]): Promise<void> {
    const all = messageIds.length === 0
    this.#change(this.#items.map((n) => (all || messageIds.includes(n.messageId) ? { ...n, read: true } : n)))
    return this.core.send(topicOf('userNotificationRead', '{me}'), all ? { all } : { messageIds })
  }

  /** Takes one out of the inbox. */
  async remove(messageId: string): Promise<void> {
    await this.core.http.request('DELETE', `/me/notifications/${encodeURIComponent(messageId)}`)
    this.#change(this.#items.filter((n) => n.messageId !== messageId))
  }

  #add(n: Notification): void {
    this.#news++
    const same = (old: Notification): boolean =>
      old.messageId === n.messageId || (n.collapseKey !== undefined && !old.read && old.collapseKey === n.collapseKey && old.senderId === n.senderId)
    this.#change([n, ...this.#items.filter((old) => !same(old))].slice(0, kept))
  }

  #change(items: Notification[]): void {
    this.#items = items
    this.#unread = items.filter((n) => !n.read).length
    this.state.touch()
  }

  #load(): Promise<void> {
    this.#loading ??= this.#fetch().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #fetch(): Promise<void> {
    try {
      for (let tries = 0, before = -1; before !== this.#news && tries < maxTries; tries++) {
        before = this.#news
        const { items, unread } = await this.core.http.request<{ items: Notification[]; unread: number }>('GET', `/me/notifications?limit=${kept}`)
        if (this.closed) return
        this.#loaded = true
        this.#change(items)
        this.#unread = unread
      }
    } catch (cause) {
      const error = asFitmqError(cause)
      if (!this.closed && error.code !== 'network') this.core.errors.emit(error)
    }
  }
}
