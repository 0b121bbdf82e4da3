import type { FormCorrection } from '@fitmq/client'
import { strings } from '../strings'
import { limbs, pose, type Joint } from './figure'

const t = strings.training

/** A person doing the exercise, with the corrected joint marked, and others that were corrected and not seen to yet. */
export function ExerciseFigure({ correction: c, also = [] }: { correction: FormCorrection | undefined; also?: readonly Joint[] }) {
  const exercise = c?.exercise ?? ''
  const at = pose(exercise)
  const marked = c?.joint === undefined ? undefined : at[c.joint]
  const name = t.exercises[exercise] ?? exercise.replaceAll('_', ' ')
  const label = c?.joint === undefined ? t.figurePlain : t.figure(name, [c.joint, ...also].map((j) => t.joints[j]).join(', '))
  return (
    <svg className="exercise-figure" viewBox="0 0 200 200" role="img" aria-label={label} data-joint={c?.joint} data-severity={c?.severity}>
      <path className="figure-ground" d="M10 188h180" />
      {limbs.map((points) => (
        <path key={points.join()} className="figure-limb" d={points.map((p, i) => `${i === 0 ? 'M' : 'L'}${at[p].join(' ')}`).join('')} />
      ))}
      <circle className="figure-head" cx={at.head[0]} cy={at.head[1]} r="13" />
      {(['shoulder', 'elbow', 'hip', 'knee', 'ankle'] as const).map((j) => (
        <circle key={j} className="figure-joint" cx={at[j][0]} cy={at[j][1]} r="4" />
      ))}
      {also.map((j) => <circle key={j} className="figure-also" data-joint={j} cx={at[j][0]} cy={at[j][1]} r="9" />)}
      {marked !== undefined && (
        <g className="figure-mark">
          <circle className="figure-pulse" cx={marked[0]} cy={marked[1]} r="15" />
          <circle className="figure-point" cx={marked[0]} cy={marked[1]} r="9" />
        </g>
      )}
    </svg>
  )
}
