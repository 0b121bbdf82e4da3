import { useFitmq } from '@fitmq/react'
import { useEffect, useState } from 'react'
import type { Place } from '../route'
import { useMe } from '../shell/me'
import { useTitle } from '../ui/hooks'
import { Console } from './Console'
import { strings } from './strings'

/** How long it may take to learn who one is, in ms, before the console says that one may not. */
const patience = 3_000

/** The console as a room of the app. */
export default function ConsoleRoom({ place }: { place: Place }) {
  const client = useFitmq()
  const admin = useMe().role === 'admin'
  const [late, setLate] = useState(false)
  useTitle(strings.title)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), patience)
    return () => clearTimeout(timer)
  }, [])
  if (!admin && !late) return <p className="empty" role="status">{strings.loading}</p>
  return <Console gate={client} path={place.path} admin={admin} />
}
