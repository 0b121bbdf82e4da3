// The figure that shows where to look: a person from the side, in the middle of the exercise. Pure.
import type { FormCorrection } from '@fitmq/client'

export type Joint = NonNullable<FormCorrection['joint']>
export type Point = readonly [x: number, y: number]
type Pose = Readonly<Record<Joint | 'head' | 'hand' | 'toe', Point>>

export const joints: readonly Joint[] = ['knee', 'hip', 'elbow', 'shoulder', 'spine', 'ankle', 'wrist', 'neck']

/** In a box of 200. */
const poses = {
  stand: {
    head: [100, 30], neck: [100, 50], shoulder: [100, 62], elbow: [108, 92], wrist: [112, 118], hand: [113, 126],
    spine: [97, 88], hip: [98, 114], knee: [102, 148], ankle: [98, 180], toe: [114, 183],
  },
  squat: {
    head: [118, 48], neck: [110, 66], shoulder: [105, 78], elbow: [132, 84], wrist: [158, 82], hand: [166, 82],
    spine: [88, 100], hip: [68, 122], knee: [122, 134], ankle: [100, 180], toe: [120, 183],
  },
  hinge: {
    head: [146, 62], neck: [132, 74], shoulder: [122, 80], elbow: [126, 112], wrist: [128, 142], hand: [129, 150],
    spine: [96, 84], hip: [70, 98], knee: [92, 140], ankle: [88, 180], toe: [106, 183],
  },
  plank: {
    head: [166, 98], neck: [152, 104], shoulder: [142, 108], elbow: [146, 134], wrist: [148, 158], hand: [156, 160],
    spine: [116, 118], hip: [88, 128], knee: [58, 142], ankle: [28, 156], toe: [24, 162],
  },
  overhead: {
    head: [100, 44], neck: [99, 60], shoulder: [98, 70], elbow: [116, 46], wrist: [108, 18], hand: [107, 10],
    spine: [96, 94], hip: [98, 118], knee: [102, 150], ankle: [98, 180], toe: [114, 183],
  },
  lunge: {
    head: [104, 34], neck: [103, 54], shoulder: [102, 66], elbow: [112, 92], wrist: [118, 114], hand: [119, 122],
    spine: [100, 92], hip: [98, 116], knee: [138, 136], ankle: [136, 180], toe: [152, 183],
  },
  pull: {
    head: [100, 52], neck: [99, 68], shoulder: [98, 76], elbow: [124, 58], wrist: [116, 26], hand: [115, 18],
    spine: [97, 102], hip: [98, 126], knee: [112, 152], ankle: [92, 172], toe: [82, 180],
  },
  bench: {
    head: [44, 120], neck: [60, 122], shoulder: [70, 124], elbow: [78, 96], wrist: [76, 68], hand: [76, 60],
    spine: [96, 128], hip: [122, 130], knee: [150, 122], ankle: [154, 178], toe: [172, 182],
  },
  curl: {
    head: [100, 30], neck: [100, 50], shoulder: [100, 62], elbow: [104, 94], wrist: [130, 78], hand: [137, 74],
    spine: [97, 88], hip: [98, 114], knee: [102, 148], ankle: [98, 180], toe: [114, 183],
  },
} satisfies Record<string, Pose>

const poseOf: Readonly<Record<string, keyof typeof poses>> = {
  squat: 'squat', lunge: 'lunge', deadlift: 'hinge', row: 'hinge', push_up: 'plank', plank: 'plank', bench_press: 'bench',
  pull_up: 'pull', shoulder_press: 'overhead', curl: 'curl',
}

/** The pose of an exercise; standing where it is not known. */
export function pose(exercise: string): Pose {
  return poses[poseOf[exercise] ?? 'stand']
}

/** The lines of the body, from point to point. */
export const limbs: readonly (readonly (keyof Pose)[])[] = [
  ['neck', 'shoulder', 'spine', 'hip'],
  ['shoulder', 'elbow', 'wrist', 'hand'],
  ['hip', 'knee', 'ankle', 'toe'],
]

/** Where the measured value and the target lie on a scale that shows both, each 0..1; undefined without a value. */
export function scaleOf(c: Pick<FormCorrection, 'observed' | 'targetMin' | 'targetMax'>): { observed: number; from: number; to: number; good: boolean } | undefined {
  const { observed, targetMin, targetMax } = c
  if (observed === undefined || (targetMin === undefined && targetMax === undefined)) return undefined
  const known = [observed, targetMin, targetMax].filter((v): v is number => v !== undefined)
  const low = Math.min(...known)
  const high = Math.max(...known)
  const margin = Math.max((high - low) * 0.25, Math.abs(high) * 0.05, 1)
  const place = (v: number): number => (v - low + margin) / (high - low + 2 * margin)
  return {
    observed: place(observed),
    from: targetMin === undefined ? 0 : place(targetMin),
    to: targetMax === undefined ? 1 : place(targetMax),
    good: (targetMin === undefined || observed >= targetMin) && (targetMax === undefined || observed <= targetMax),
  }
}

/** A correction as far as the figure shows it. */
type Marked = Pick<FormCorrection, 'exercise' | 'joint' | 'severity'> & { readonly seen?: boolean }

/**
 * Which joints the figure marks: that of the newest correction, and those of earlier ones of the same exercise that nobody
 * has said to have seen yet. Corrections come oldest first; each joint is there once.
 */
export function markedJoints(corrections: readonly Marked[]): { newest: Joint | undefined; also: Joint[] } {
  const last = corrections.at(-1)
  const open = corrections.slice(0, -1).filter((c) => c.exercise === last?.exercise && c.seen === false)
  const also = new Set(open.flatMap((c) => (c.joint === undefined || c.joint === last?.joint ? [] : [c.joint])))
  return { newest: last?.joint, also: [...also] }
}
