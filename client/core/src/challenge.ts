import { Handle, type Core } from './core.js'
import { Emitter, View, type Off } from './emitter.js'
import { asFitmqError, type FitmqError } from './errors.js'
import type { Achievement, Activity, ChallengeInfo, ChallengeStatus, Leaderboard, Rank } from './generated.js'
import { newId } from './ids.js'
import { topicOf } from './topics.js'
import { queryOf } from './workout.js'

/** What is known of a challenge now. */
export interface ChallengeState {
  readonly joined: 'joining' | 'joined' | 'refused'
  readonly error: FitmqError | undefined
  readonly info: ChallengeInfo | undefined
  readonly status: ChallengeStatus | undefined
  readonly leaderboard: Leaderboard | undefined
  /** One's own rank; undefined as long as there is none. */
  readonly rank: Rank | undefined
  /** The newest awards of all, oldest first. */
  readonly achievements: readonly Achievement[]
}

/** An activity as the application hands it in; the activityId is made where it is missing. */
export type ActivityInput = Omit<Activity, 'activityId'> & { readonly activityId?: string }

/** What part of a board is wanted. */
export interface BoardQuery {
  offset?: number
  limit?: number
  after?: string
  /** The rows around this user. */
  around?: string
  period?: string
}

const keptAchievements = 50
const topics = ['challengeInfo', 'challengeStatus', 'challengeLeaderboard', 'challengeAchievements'] as const

/** A challenge that one takes part in. */
export class Challenge extends Handle {
  /** Resolves when one takes part; rejects with the reason when one may not. */
  readonly ready: Promise<void>
  readonly state: View<ChallengeState>
  #now: ChallengeState = {
    joined: 'joining',
    error: undefined,
    info: undefined,
    status: undefined,
    leaderboard: undefined,
    rank: undefined,
    achievements: [],
  }
  readonly #awarded = new Emitter<Achievement>()

  constructor(
    core: Core,
    /** The challenge's id. */
    readonly id: string,
  ) {
    super(core)
    this.state = new View(() => this.#now)
    this.own(() => this.state.close())
    this.on(core.hub.refused, (error) => {
      // Before one has joined a refusal is expected: join looks at it.
      if (this.#now.joined === 'joined' && error.topic?.startsWith(`challenge/${id}/`)) this.#refuse(error)
    })
    this.#follow()
    this.ready = this.#join().then(
      () => this.#set({ joined: 'joined', error: undefined }),
      (error: unknown) => {
        this.#refuse(asFitmqError(error))
        throw error
      },
    )
    this.ready.catch(() => undefined) // who does not look at it has state and onError
  }

  onInfo(fn: (info: ChallengeInfo) => void): Off {
    return this.listen<ChallengeInfo>(topicOf('challengeInfo', this.id), (m) => fn(m.payload))
  }

  onStatus(fn: (status: ChallengeStatus) => void): Off {
    return this.listen<ChallengeStatus>(topicOf('challengeStatus', this.id), (m) => fn(m.payload))
  }

  onLeaderboard(fn: (board: Leaderboard) => void): Off {
    return this.listen<Leaderboard>(topicOf('challengeLeaderboard', this.id), (m) => fn(m.payload))
  }

  /** One's own rank and the neighbours. */
  onRank(fn: (rank: Rank) => void): Off {
    return this.listen<Rank>(topicOf('challengeRank', this.id, '{me}'), (m) => fn(m.payload))
  }

  /** Everybody's awards in this challenge. */
  onAchievement(fn: (award: Achievement) => void): Off {
    return this.on(this.#awarded, fn)
  }

  /**
   * Hands in a finished activity. It counts once for its activityId, however often it is sent; without a connection
   * it waits, over a reload too. The promise resolves with the id when the broker has stored it.
   */
  async submitActivity(activity: ActivityInput): Promise<string> {
    const activityId = activity.activityId ?? newId()
    const sent = this.core.send(topicOf('challengeActivity', this.id), { ...activity, activityId })
    await sent
    return activityId
  }

  /** Any part of the board. */
  page(query: BoardQuery): Promise<Leaderboard> {
    return this.core.http.request('GET', `/challenges/${this.id}/leaderboard${queryOf({ ...query })}`)
  }

  /** Takes part no longer. */
  async leave(): Promise<void> {
    const me = await this.core.whoAmI()
    this.close()
    await this.core.http.request('DELETE', `/challenges/${this.id}/participants/${me}`)
  }

  async #join(): Promise<void> {
    try {
      await this.#holdAll()
    } catch (error) {
      if (this.closed || asFitmqError(error).code !== 'forbidden') throw error
      // Not a participant yet: where the challenge is open one becomes it so.
      const me = await this.core.whoAmI()
      await this.core.http.request('PUT', `/challenges/${this.id}/participants/${me}`, {})
      if (!this.closed) await this.#holdAll()
    }
  }

  /** Its topics one by one: the ranks of the others are theirs. */
  async #holdAll(): Promise<void> {
    const filters = [...topics.map((kind) => topicOf(kind, this.id)), topicOf('challengeRank', this.id, '{me}')]
    const held = filters.map((f) => this.hold(f))
    try {
      await Promise.all(held.map((h) => h.ready))
    } catch (error) {
      for (const h of held) h.release()
      throw error
    }
  }

  #follow(): void {
    this.onInfo((info) => this.#set({ info }))
    this.onStatus((status) => this.#set({ status }))
    this.onLeaderboard((leaderboard) => this.#set({ leaderboard }))
    // Gone: one's activities were withdrawn, or a new period begins, and there is no rank any more.
    this.listen<Rank>(topicOf('challengeRank', this.id, '{me}'), (m) => this.#set({ rank: m.payload }), () => this.#set({ rank: undefined }))
    this.listen<Achievement>(topicOf('challengeAchievements', this.id), (m) => {
      this.#set({ achievements: [...this.#now.achievements, m.payload].slice(-keptAchievements) })
      this.#awarded.emit(m.payload)
    })
  }

  #refuse(error: FitmqError): void {
    this.#set({ joined: 'refused', error })
    if (!this.closed) this.core.errors.emit(error)
  }

  #set(patch: Partial<ChallengeState>): void {
    this.#now = { ...this.#now, ...patch }
    if (!this.closed) this.state.touch()
  }
}
