import type { Status } from '@fitmq/client'
import { useConnection } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { strings } from '../strings'

/** What the page says of the connection. */
export type Shown = 'connecting' | 'live' | 'reconnecting' | 'offline'

export function shownOf(status: Status): Shown {
  switch (status.state) {
    case 'connected':
      return 'live'
    case 'closed':
      return 'offline'
    default:
      return status.state
  }
}

/** A reconnect shorter than this, in ms, is not worth a sentence. */
const bannerAfter = 1_500

/** Whether and by what the page is connected. */
export function ConnectionPill() {
  const status = useConnection()
  const shown = shownOf(status)
  const text = shown === 'live' && status.transport !== 'offline' ? strings.transport[status.transport] : strings.connection[shown]
  return (
    <span className="connection" role="status" data-testid="connection" data-state={shown} data-transport={status.transport} data-waiting={status.waiting}>
      <span className="dot" aria-hidden="true" />
      <span className="visually-hidden">{strings.connection.label} </span>
      {text}
    </span>
  )
}

/** What it means that there is no connection, and what waits to be sent. */
export function ConnectionBanner() {
  const status = useConnection()
  const shown = shownOf(status)
  const quiet = shown === 'reconnecting' || shown === 'offline'
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!quiet) return setLate(false)
    const timer = setTimeout(() => setLate(true), bannerAfter)
    return () => clearTimeout(timer)
  }, [quiet])
  if (!quiet || (!late && shown === 'reconnecting')) return null
  return (
    <p className="banner" data-testid="banner">
      {strings.connectionHelp[shown]}
      {status.waiting > 0 && ` ${strings.waiting(status.waiting)}`}
    </p>
  )
}
