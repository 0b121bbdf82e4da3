import type { Place } from '../route'
import { ChallengeView } from './ChallengeView'
import { Challenges } from './Challenges'

/** The challenges, or the one that the address names. */
export default function ChallengesRoom({ place }: { place: Place }) {
  const [id] = place.path
  return id === undefined ? <Challenges /> : <ChallengeView key={id} id={id} />
}
