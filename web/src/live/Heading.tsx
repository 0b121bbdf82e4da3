import type { UseWorkoutSession } from '@fitmq/react'
import { formatTimeLeft } from '../format'
import { strings } from '../strings'
import { useNow } from '../ui/hooks'
import { Avatar } from '../ui/parts'
import { Controls } from './Controls'
import { secondsUntil } from './select'

const t = strings.session

/** Faces that are drawn; the number says how many there are. */
const facesShown = 6

/** What the session is, how it stands, and who is in it. */
export function Heading({ id, room, title, me }: { id: string; room: Omit<UseWorkoutSession, 'session'>; title: string; me: string }) {
  const { info, participants: people, total } = room
  const count = Math.max(total, people.length)
  return (
    <div className="heading" data-session={id}>
      <div className="heading-text">
        {info !== undefined && (
          <span className="state-pill" data-testid="session-state" data-state={info.state}>
            {strings.sessionState[info.state]}
          </span>
        )}
        <h1 data-testid="session-title">{title}</h1>
        {info?.state === 'scheduled' && <Countdown startsAt={info.startsAt} />}
        <Controls room={room} me={me} />
      </div>
      <div className="roster" data-testid="roster" data-count={count}>
        <ul className="faces" aria-label={strings.roster(count)}>
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
        <span className="muted">{strings.roster(count)}</span>
      </div>
    </div>
  )
}

/** How long it is until the session starts by itself. */
function Countdown({ startsAt }: { startsAt: string | undefined }) {
  const now = useNow(1000)
  const seconds = secondsUntil(startsAt, now)
  if (seconds === undefined) return null
  return <p className="countdown" role="timer" data-testid="countdown" data-seconds={seconds}>{seconds === 0 ? t.startsNow : t.startsIn(formatTimeLeft(seconds))}</p>
}
