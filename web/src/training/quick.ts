// What a trainer says most, ready to be sent.
import type { CorrectionInput } from '@fitmq/client'
import { strings } from '../strings'

const t = strings.training.quickCues

export const quick: readonly (CorrectionInput & { cue: string })[] = [
  { cue: t.deeper, exercise: 'squat', joint: 'knee', severity: 'warning' },
  { cue: t.kneesOut, exercise: 'squat', joint: 'knee', severity: 'warning' },
  { cue: t.backStraight, exercise: 'deadlift', joint: 'spine', severity: 'warning' },
  { cue: t.hipsUp, exercise: 'plank', joint: 'hip', severity: 'warning' },
  { cue: t.elbowsIn, exercise: 'push_up', joint: 'elbow', severity: 'warning' },
  { cue: t.shouldersDown, exercise: 'row', joint: 'shoulder', severity: 'info' },
  { cue: t.slower, exercise: 'squat', measure: 'tempo', severity: 'info' },
  { cue: t.good, exercise: 'squat', severity: 'info' },
  { cue: t.stop, exercise: 'squat', severity: 'stop' },
]

/** A usual word and its place in quick. */
interface Word {
  readonly cue: string
  readonly place: number
}

/** The usual words by the exercise that they are about; last those that suit any. */
export const groups: readonly { readonly exercise: string | undefined; readonly words: readonly Word[] }[] = group()

function group(): { exercise: string | undefined; words: Word[] }[] {
  const about = new Map<string | undefined, Word[]>()
  quick.forEach((q, place) => {
    const exercise = q.joint === undefined ? undefined : q.exercise
    about.set(exercise, [...(about.get(exercise) ?? []), { cue: q.cue, place }])
  })
  return [...about].map(([exercise, words]) => ({ exercise, words }))
}

/**
 * The correction that a quick word is: one of the usual ones by its place, or one's own words in its stead. Those are
 * about what the client is at, where that is known, and mark no joint: whoever chose none does not mean the first one's.
 * Who chose to stop means it, in whichever words.
 */
export function quickWord(chosen: number, own: string, at: string | undefined): CorrectionInput {
  const usual = quick[chosen] ?? { exercise: 'squat', severity: 'info', cue: '' }
  const cue = own.trim()
  if (cue !== '') return { exercise: at ?? usual.exercise, severity: usual.severity === 'stop' ? 'stop' : 'info', cue }
  return usual.joint === undefined && at !== undefined ? { ...usual, exercise: at } : usual
}
