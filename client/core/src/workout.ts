import { Handle, type Core } from './core.js'
import { SentMessage, type MessageInput } from './sent.js'
import { Emitter, View, type Off } from './emitter.js'
import { asFitmqError, type FitmqError } from './errors.js'
import type { Leaderboard, LiveSample, Message, Participant, Roster, SessionEvent, SessionInfo } from './generated.js'
import { topicOf } from './topics.js'
import { asId } from './ids.js'
import { Sampler, type SampleInput } from './sampler.js'

/** What is known of a session now. */
export interface WorkoutState {
  /** Whether the broker has let one in: it has not answered yet, it has, or it has refused (see error). */
  readonly joined: 'joining' | 'joined' | 'refused'
  readonly error: FitmqError | undefined
  readonly info: SessionInfo | undefined
  readonly participants: readonly Participant[]
  /** How many take part; the list is cut in very large sessions. */
  readonly total: number
  /** Everybody's newest sample, by user. */
  readonly samples: Readonly<Record<string, LiveSample>>
  readonly leaderboard: Leaderboard | undefined
  /** The session's newest messages, oldest first. */
  readonly messages: readonly Message[]
}

/** A command to a session. */
export type SessionAction = 'start' | 'pause' | 'resume' | 'end' | 'remove'

/** What part of a history is wanted: behind or before a seq, so many. */
export interface HistoryQuery {
  before?: number
  after?: number
  limit?: number
}

/** An answer of the history: messages by rising seq, and the seq of the newest there is. */
export interface History {
  readonly items: readonly Message[]
  readonly head: number
}

/** How many of a session's messages are kept in its state; older ones are in the history. */
const keptMessages = 200

/** A live workout that one takes part in, from joining to leave. */
export class WorkoutSession extends Handle {
  /** Resolves when the broker has let one in; rejects with the reason when it has not. */
  readonly ready: Promise<void>
  /** What is known now, for frameworks: get and subscribe. */
  readonly state: View<WorkoutState>
  #now: Omit<WorkoutState, 'samples'> = {
    joined: 'joining',
    error: undefined,
    info: undefined,
    participants: [],
    total: 0,
    leaderboard: undefined,
    messages: [],
  }
  readonly #samples = new Map<string, LiveSample>()
  readonly #sampler: Sampler
  readonly #progress = new Emitter<LiveSample & { userId: string }>()
  readonly #events = new Emitter<SessionEvent>()

  constructor(
    core: Core,
    /** The session's id. */
    readonly id: string,
  ) {
    super(core)
    this.state = new View(() => ({ ...this.#now, samples: Object.fromEntries(this.#samples) }))
    this.#sampler = new Sampler(core, topicOf('sessionProgress', id, '{me}'))
    this.own(() => this.#sampler.close())
    this.own(() => this.state.close())
    this.on(core.online, (up) => up && this.#sampler.pump())
    this.on(core.hub.refused, (error) => {
      if (error.topic !== `session/${id}/#`) return
      this.#set({ joined: 'refused', error })
      core.errors.emit(error)
    })
    this.#follow()
    this.ready = this.hold(`session/${id}/#`).ready.then(
      () => this.#set({ joined: 'joined', error: undefined }),
      (error: unknown) => {
        this.#set({ joined: 'refused', error: asFitmqError(error) })
        throw error
      },
    )
    this.ready.catch(() => undefined) // who does not look at it has state and onError
  }

  onInfo(fn: (info: SessionInfo) => void): Off {
    return this.listen<SessionInfo>(topicOf('sessionInfo', this.id), (m) => fn(m.payload))
  }

  /** Who takes part, whenever that changes. */
  onParticipants(fn: (participants: readonly Participant[], roster: Roster) => void): Off {
    return this.listen<Roster>(topicOf('sessionParticipants', this.id), (m) => fn(m.payload.participants, m.payload))
  }

  onParticipantJoined(fn: (event: SessionEvent) => void): Off {
    return this.onEvent((e) => e.type === 'participant-joined' && fn(e))
  }

  onParticipantLeft(fn: (event: SessionEvent) => void): Off {
    return this.onEvent((e) => e.type === 'participant-left' && fn(e))
  }

  /** Comings, goings, and the session's start, pauses and end. */
  onEvent(fn: (event: SessionEvent) => void): Off {
    return this.on(this.#events, fn)
  }

  /** Everybody's live samples; what a device hands in late comes in its order. */
  onProgress(fn: (sample: LiveSample & { userId: string }) => void): Off {
    const now = [...this.#samples].map(([userId, s]) => ({ ...s, userId }))
    queueMicrotask(() => now.forEach((s) => !this.closed && fn(s)))
    return this.on(this.#progress, fn)
  }

  onLeaderboard(fn: (board: Leaderboard) => void): Off {
    return this.listen<Leaderboard>(topicOf('sessionLeaderboard', this.id), (m) => fn(m.payload))
  }

  /** What is said in the session. */
  onMessage(fn: (message: Message) => void): Off {
    return this.listen<Message>(topicOf('sessionChat', this.id), (m) => fn(m.payload))
  }

  /**
   * Shows one's numbers to the session. May be called as often as one likes: at most five messages a second go out,
   * and while there is no connection the last minute is kept. Refusals come to the client's onError.
   */
  updateProgress(sample: SampleInput): void {
    this.#sampler.add(sample)
  }

  /** Says something in the session. */
  sendChat(message: string | MessageInput): SentMessage {
    return new SentMessage(this.core, topicOf('sessionChat', this.id), message)
  }

  /** Starts, pauses, resumes or ends the session, or takes somebody out; for its host and trainer. */
  control(action: SessionAction, userId?: string | number): Promise<void> {
    return this.core.send(topicOf('sessionControl', this.id), { action, ...(userId === undefined ? {} : { userId: asId(userId) }) })
  }

  /** What was said before. */
  history(query: HistoryQuery = {}): Promise<History> {
    return this.core.http.request('GET', `/sessions/${this.id}/messages${queryOf({ ...query })}`)
  }

  /** Leaves the session. */
  leave(): void {
    this.close()
  }

  #follow(): void {
    this.onInfo((info) => this.#set({ info }))
    this.onParticipants((participants, { total }) => this.#set({ participants, total }))
    this.onLeaderboard((leaderboard) => this.#set({ leaderboard }))
    this.onMessage((message) => this.#set({ messages: [...this.#now.messages, message].slice(-keptMessages) }))
    this.listen<SessionEvent>(topicOf('sessionEvents', this.id), (m) => this.#events.emit(m.payload))
    this.listen<LiveSample | { samples: LiveSample[] }>(
      topicOf('sessionProgress', this.id, '+'),
      (m) => this.#take(m.ids[1] ?? '', m.payload),
      (m) => {
        this.#samples.delete(m.ids[1] ?? '') // the session has ended
        this.#set({})
      },
    )
  }

  #take(userId: string, payload: LiveSample | { samples: LiveSample[] }): void {
    this.#set({})
    const samples = 'samples' in payload && Array.isArray(payload.samples) ? payload.samples : [payload as LiveSample]
    for (const sample of samples) {
      this.#samples.set(userId, sample)
      this.#progress.emit({ ...sample, userId })
    }
  }

  #set(patch: Partial<WorkoutState>): void {
    this.#now = { ...this.#now, ...patch }
    if (!this.closed) this.state.touch()
  }
}

/** A query string of the members that have a value. */
export function queryOf(members: Record<string, string | number | undefined>): string {
  const set = Object.entries(members).flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]]))
  return set.length === 0 ? '' : `?${new URLSearchParams(set)}`
}
