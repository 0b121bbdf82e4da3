import type {
  ActivityInput,
  Beacon,
  BoardQuery,
  Challenge,
  ChallengeState,
  Client,
  ConversationHandle,
  ConversationState,
  Correction,
  CorrectionInput,
  Inbox,
  InboxState,
  Leaderboard,
  MatchState,
  MessageInput,
  Off,
  PartnerFinder,
  SampleInput,
  SentCorrection,
  SentMessage,
  SessionAction,
  Training,
  View,
  WorkoutSession,
  WorkoutState,
} from '@fitmq/client'
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { useFitmq } from './provider.js'


const nothing = (): Off => () => undefined

/** Opens something for as long as the component is mounted, or the key stays. */
function useOpened<H extends { close(): void }>(open: (client: Client) => H, key: string): H | undefined {
  const client = useFitmq()
  const [opened, setOpened] = useState<H>()
  useEffect(() => {
    const made = open(client)
    setOpened(made)
    return () => {
      setOpened(undefined)
      made.close()
    }
    // open is a new function at every render, and does what key says.
  }, [client, key])
  return opened
}

function useView<S>(view: View<S> | undefined, before: S): S {
  const get = useCallback(() => view?.get() ?? before, [view])
  return useSyncExternalStore(view?.subscribe ?? nothing, get, get)
}

/** What one does with something that may not be open yet: before the first effect nobody can have pressed a button. */
function need<H>(opened: H | undefined): H {
  if (opened === undefined) throw new Error('the component is not mounted')
  return opened
}

const noWorkout: WorkoutState = {
  joined: 'joining', error: undefined, info: undefined, participants: [], total: 0, samples: {}, leaderboard: undefined, messages: [],
}

/** A live workout that one takes part in while the component is mounted. */
export interface UseWorkoutSession extends WorkoutState {
  /** For listeners of one's own, like onParticipantJoined; undefined before the component is mounted. */
  readonly session: WorkoutSession | undefined
  updateProgress(sample: SampleInput): void
  sendChat(message: string | MessageInput): SentMessage
  control(action: SessionAction, userId?: string | number): Promise<void>
}

/** Takes part in a live workout. */
export function useWorkoutSession(id: string | number): UseWorkoutSession {
  const session = useOpened((c) => c.joinSession(id), String(id))
  return { ...useView(session?.state, noWorkout), session, ...useWorkoutActions(session) }
}

function useWorkoutActions(session: WorkoutSession | undefined) {
  return useMemo(
    () => ({
      updateProgress: (sample: SampleInput): void => session?.updateProgress(sample),
      sendChat: (message: string | MessageInput): SentMessage => need(session).sendChat(message),
      control: (action: SessionAction, userId?: string | number): Promise<void> => need(session).control(action, userId),
    }),
    [session],
  )
}

export interface UseTraining extends Omit<UseWorkoutSession, 'session'> {
  readonly session: Training | undefined
  /** The newest corrections, oldest first. */
  readonly corrections: readonly (Correction & { seen: boolean })[]
  sendFormCorrection(userId: string | number, correction: CorrectionInput): SentCorrection
  seen(correctionId: string): Promise<void>
}

const noCorrections: UseTraining['corrections'] = []

/** Takes part in a training, as its trainer or a client. */
export function useTraining(id: string | number): UseTraining {
  const session = useOpened((c) => c.joinTraining(id), String(id))
  const actions = useMemo(
    () => ({
      sendFormCorrection: (userId: string | number, c: CorrectionInput): SentCorrection => need(session).sendFormCorrection(userId, c),
      seen: (correctionId: string): Promise<void> => need(session).seen(correctionId),
    }),
    [session],
  )
  const state = useView(session?.state, noWorkout)
  return { ...state, session, corrections: useView(session?.corrections, noCorrections), ...useWorkoutActions(session), ...actions }
}

const noChallenge: ChallengeState = {
  joined: 'joining', error: undefined, info: undefined, status: undefined, leaderboard: undefined, rank: undefined, achievements: [],
}

export interface UseChallenge extends ChallengeState {
  readonly challenge: Challenge | undefined
  submitActivity(activity: ActivityInput): Promise<string>
  page(query: BoardQuery): Promise<Leaderboard>
}

/** Takes part in a challenge. */
export function useChallenge(id: string | number): UseChallenge {
  const challenge = useOpened((c) => c.joinChallenge(id), String(id))
  const actions = useMemo(
    () => ({
      submitActivity: (activity: ActivityInput): Promise<string> => need(challenge).submitActivity(activity),
      page: (query: BoardQuery): Promise<Leaderboard> => need(challenge).page(query),
    }),
    [challenge],
  )
  return { ...useView(challenge?.state, noChallenge), challenge, ...actions }
}

const noChat: ConversationState = { messages: [], typing: [], unread: 0, loaded: false }

export interface UseChat extends ConversationState {
  readonly conversation: ConversationHandle | undefined
  send(message: string | MessageInput): SentMessage
  /** Says that one is writing; call it at every key. */
  setTyping(typing?: boolean): void
  markRead(messageId?: string): Promise<void>
  loadEarlier(): Promise<boolean>
}

/** A conversation: a group by its id, or the one with a user. */
export function useChat(which: string | { with: string | number }): UseChat {
  const key = typeof which === 'string' ? which : `with ${which.with}`
  const conversation = useOpened((c) => c.conversation(which), key)
  const actions = useMemo(
    () => ({
      send: (message: string | MessageInput): SentMessage => need(conversation).send(message),
      setTyping: (typing = true): void => conversation?.typing(typing),
      markRead: (messageId?: string): Promise<void> => need(conversation).markRead(messageId),
      loadEarlier: (): Promise<boolean> => need(conversation).loadEarlier(),
    }),
    [conversation],
  )
  return { ...useView(conversation?.state, noChat), conversation, ...actions }
}

const noMatches: MatchState = { searching: false, error: undefined, matches: [] }

export interface UseMatches extends MatchState {
  search(beacon: Beacon): void
  stop(): void
  reply(partnerId: string, accept: boolean): Promise<void>
  block(partnerId: string | number): Promise<void>
}

/** The search for a partner nearby; it ends with the component. */
export function useMatches(): UseMatches {
  const finder = useOpened<PartnerFinder>((c) => c.findPartner(), '')
  const actions = useMemo(
    () => ({
      search: (beacon: Beacon): void => finder?.search(beacon),
      stop: (): void => finder?.stop(),
      reply: (partnerId: string, accept: boolean): Promise<void> => need(finder).reply(partnerId, accept),
      block: (partnerId: string | number): Promise<void> => need(finder).block(partnerId),
    }),
    [finder],
  )
  return { ...useView(finder?.state, noMatches), ...actions }
}

const noInbox: InboxState = { notifications: [], unread: 0, loaded: false }

export interface UseNotifications extends InboxState {
  /** Says that these have been read; all, unless ids are given. */
  markRead(...messageIds: string[]): Promise<void>
  remove(messageId: string): Promise<void>
}

/** One's notifications, newest first. */
export function useNotifications(): UseNotifications {
  const inbox = useOpened<Inbox>((c) => c.inbox(), '')
  const actions = useMemo(
    () => ({
      markRead: (...ids: string[]): Promise<void> => need(inbox).markRead(...ids),
      remove: (id: string): Promise<void> => need(inbox).remove(id),
    }),
    [inbox],
  )
  return { ...useView(inbox?.state, noInbox), ...actions }
}
