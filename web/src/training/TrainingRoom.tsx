import { useFitmq } from '@fitmq/react'
import { useState } from 'react'
import { Sessions } from '../live/Sessions'
import type { Place } from '../route'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useNames } from '../ui/names'
import { PersonForm } from '../ui/PersonForm'
import { Clients } from './Clients'
import { TrainingView } from './TrainingView'

const t = strings.training

/** The trainings, and a trainer's clients; or the training that the address names. */
export default function TrainingRoom({ place }: { place: Place }) {
  const { role } = useMe()
  const [id] = place.path
  const [round, setRound] = useState(0)
  if (id !== undefined) return <TrainingView key={`${id} ${round}`} id={id} to={place.query['to']} onAgain={() => setRound(round + 1)} />
  return <Sessions kind="training">{role === 'trainer' ? <Clients /> : <MyTrainer />}</Sessions>
}

/** Makes somebody one's trainer: only the client can. */
function MyTrainer() {
  const client = useFitmq()
  const me = useMe()
  const tell = useTell()
  const nameOf = useNames()
  const add = (trainer: string): void => {
    client.request('PUT', `/links/${trainer}/${me.userId}`, {}).then(
      () => tell(t.myTrainerAdded(nameOf(trainer)), 'news'),
      (error: unknown) => tell(wordsOf(error)),
    )
  }
  return (
    <details className="panel my-trainer">
      <summary>{t.myTrainer}</summary>
      <p className="fine">{t.myTrainerHint}</p>
      <PersonForm title={t.myTrainer} button={t.myTrainerAdd} onPick={add} />
    </details>
  )
}
