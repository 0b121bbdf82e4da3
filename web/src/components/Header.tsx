import { formatAgo } from '../format'
import type { Connection } from '../live'
import type { LiveState } from '../state'
import { strings } from '../strings'
import { Avatar, Mark } from './parts'

interface Props {
  state: LiveState
  title: string
  connection: Connection
  now: number
  onSignOut: () => void
}

/** Faces that are drawn; the number says how many there are. */
const facesShown = 6

export function Header({ state: s, title, connection, now, onSignOut }: Props) {
  const people = s.roster?.participants ?? []
  const quiet = connection === 'reconnecting' || connection === 'offline'
  return (
    <header className="top">
      <div className="top-bar">
        <Mark />
        <div className="top-end">
          <span className="connection" data-testid="connection" data-state={connection} role="status">
            <span className="dot" aria-hidden="true" />
            {strings.connection[connection]}
          </span>
          <button type="button" className="quiet-button" onClick={onSignOut} data-testid="sign-out">
            {strings.signOut}
          </button>
        </div>
      </div>
      {quiet && (
        <p className="banner" data-testid="banner">
          {strings.connectionHelp[connection]}
          {s.heardAt > 0 && now - s.heardAt >= 5000 && <span className="muted"> ({strings.lastHeard(formatAgo(now - s.heardAt))})</span>}
        </p>
      )}
      <div className="heading">
        <div className="heading-text">
          {s.info !== undefined && (
            <span className="state-pill" data-testid="session-state" data-state={s.info.state}>
              {strings.sessionState[s.info.state]}
            </span>
          )}
          <h1 data-testid="session-title">{title}</h1>
        </div>
        {s.session !== '' && (
          <div className="roster" data-testid="roster" data-count={people.length}>
            <ul className="faces" aria-label={strings.roster(people.length)}>
              {people.map((p, i) => (
                <li
                  key={p.userId}
                  className={i < facesShown ? '' : 'visually-hidden'}
                  data-testid="roster-member"
                  data-user={p.userId}
                  data-role={p.role}
                  title={p.name}
                >
                  <Avatar userId={p.userId} name={p.name} size="small" />
                  <span className="visually-hidden">{p.name}</span>
                </li>
              ))}
            </ul>
            <span className="muted">{strings.roster(people.length)}</span>
          </div>
        )}
      </div>
    </header>
  )
}
