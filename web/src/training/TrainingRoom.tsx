import { Sessions } from '../live/Sessions'
import type { Place } from '../route'
import { useMe } from '../shell/me'
import { Clients } from './Clients'
import { TrainingView } from './TrainingView'

/** The trainings, and a trainer's clients; or the training that the address names. */
export default function TrainingRoom({ place }: { place: Place }) {
  const { role } = useMe()
  const [id] = place.path
  if (id !== undefined) return <TrainingView key={id} id={id} />
  return (
    <>
      <Sessions kind="training" />
      {role === 'trainer' && <Clients />}
    </>
  )
}
