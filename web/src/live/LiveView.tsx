import { useConnection, useWorkoutSession } from '@fitmq/react'
import { useMemo } from 'react'
import { ChallengeAside } from '../challenge/ChallengeAside'
import { shownOf } from '../shell/Connection'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { useNow, useSettled, useTitle } from '../ui/hooks'
import { Athletes } from './Athletes'
import { controls } from './Controls'
import { Feed } from './Feed'
import { Heading } from './Heading'
import { Members } from './Members'
import { Race } from './Race'
import { SessionChat } from './SessionChat'
import { SummaryCard } from './Summary'
import { tiles } from './select'
import { useTrack } from './useTrack'

/** A live session as it happens, and a challenge beside it where the address names one. */
export function LiveView({ id, challenge, onAgain }: { id: string; challenge: string | undefined; onAgain: () => void }) {
  const room = useWorkoutSession(id)
  const track = useTrack(room.session)
  const me = useMe()
  const connection = shownOf(useConnection())
  const now = useNow(1000)
  const lead = useSettled(track.lead, 1500) // two who pass each other all the time are not read out all the time
  const shown = useMemo(() => tiles(room, track), [room.participants, room.leaderboard, room.info, track])
  // What is over and has left no numbers has none to wait for.
  const moved = room.info?.state !== 'ended' || shown.some((t) => t.athlete !== undefined)
  const title = room.info?.title || id
  useTitle(title)
  return (
    <>
      <Heading id={id} room={room} title={title} me={me.userId} />
      {room.joined === 'refused' ? (
        <Denied reason={room.error?.reason} onAgain={onAgain} />
      ) : (
        <div className="columns" data-connection={connection}>
          <div className="column-race">
            {room.info?.state === 'ended' && <SummaryCard id={id} me={me.userId} />}
            <Race board={room.leaderboard} info={room.info} track={track} me={me.userId} now={now} />
            {moved && <Athletes tiles={shown} now={now} me={me.userId} />}
          </div>
          <aside className="column-aside" aria-label={strings.aside}>
            {controls(room.info, me.userId) && <Members id={id} roster={`${room.total} ${room.participants.length}`} />}
            {challenge !== undefined && <ChallengeAside id={challenge} />}
            <SessionChat room={room} names={track.names} me={me.userId} />
            <Feed items={track.feed} names={track.names} now={now} />
          </aside>
        </div>
      )}
      <p className="visually-hidden" aria-live="polite" data-testid="announcer">
        {lead === undefined ? '' : strings.race.leadTaken(lead.name)}
      </p>
    </>
  )
}

/** That one is not let in, and why: not invited, removed, or there is no place; which may change. */
export function Denied({ reason, onAgain }: { reason: string | undefined; onAgain: () => void }) {
  return (
    <div className="panel notice" data-testid="session-denied">
      <p>{reason ?? strings.sessionDenied}</p>
      <button type="button" className="quiet-button" onClick={onAgain}>{strings.session.again}</button>
    </div>
  )
}
