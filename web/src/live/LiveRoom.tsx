import { useState } from 'react'
import type { Place } from '../route'
import { LiveView } from './LiveView'
import { Sessions } from './Sessions'

/** The sessions, or the one that the address names. */
export default function LiveRoom({ place }: { place: Place }) {
  const [id] = place.path
  const [round, setRound] = useState(0)
  return id === undefined ? <Sessions kind="workout" /> : <LiveView key={`${id} ${round}`} id={id} challenge={place.query['challenge']} onAgain={() => setRound(round + 1)} />
}
