import type { Place } from '../route'
import { LiveView } from './LiveView'
import { Sessions } from './Sessions'

/** The sessions, or the one that the address names. */
export default function LiveRoom({ place }: { place: Place }) {
  const [id] = place.path
  return id === undefined ? <Sessions kind="workout" /> : <LiveView key={id} id={id} challenge={place.query['challenge']} />
}
