import type { SessionAction, SessionInfo } from '@fitmq/client'
import type { UseWorkoutSession } from '@fitmq/react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'

const t = strings.session

/** What can be done with a session in this state. */
export function actionsFor(state: SessionInfo['state']): Exclude<SessionAction, 'remove'>[] {
  switch (state) {
    case 'scheduled':
      return ['start', 'end']
    case 'live':
      return ['pause', 'end']
    case 'paused':
      return ['resume', 'end']
    case 'ended':
      return []
  }
}

/** Whether somebody commands the session. */
export function controls(info: Pick<SessionInfo, 'host' | 'trainer'> | undefined, userId: string): boolean {
  return info !== undefined && (info.host === userId || info.trainer === userId)
}

/** Starts, pauses and ends the session; for its host and trainer. */
export function Controls({ room, me }: { room: Pick<UseWorkoutSession, 'info' | 'control'>; me: string }) {
  const tell = useTell()
  const { info } = room
  if (info === undefined || !controls(info, me)) return null
  const actions = actionsFor(info.state)
  if (actions.length === 0) return null
  return (
    <div className="actions" role="group" aria-label={t.controls}>
      {actions.map((a) => (
        <button key={a} type="button" className="quiet-button" onClick={() => void room.control(a).catch((e: unknown) => tell(wordsOf(e)))}>
          {t.actions[a]}
        </button>
      ))}
    </div>
  )
}
