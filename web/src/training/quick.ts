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
