export { FitmqConnection, FitmqProvider, useConnection, useFitmq } from './provider.js'
export {
  useChallenge,
  useChat,
  useMatches,
  useNotifications,
  useTraining,
  useWorkoutSession,
  type UseChallenge,
  type UseChat,
  type UseMatches,
  type UseNotifications,
  type UseTraining,
  type UseWorkoutSession,
} from './hooks.js'
