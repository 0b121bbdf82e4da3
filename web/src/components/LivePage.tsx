import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { Live } from '../live'
import { tiles } from '../select'
import { strings } from '../strings'
import { Athletes } from './Athletes'
import { Challenge } from './Challenge'
import { Feed } from './Feed'
import { Header } from './Header'
import { Race } from './Race'
import { useNow, useSettled } from './hooks'

/** Everything that is shown of one session and one challenge. */
export function LivePage({ live, onSignOut }: { live: Live; onSignOut: () => void }) {
  const { live: s, connection, denied } = useSyncExternalStore(live.subscribe, live.current)
  const now = useNow(1000)
  const lead = useSettled(s.lead, 1500) // two who pass each other all the time are not read out all the time
  const shown = useMemo(() => tiles(s), [s.athletes, s.board, s.roster, s.names, s.info])
  const title = s.info?.title || s.challengeInfo?.title || s.session || s.challenge
  const deniedSession = denied.includes(`session/${s.session}/#`)
  const deniedChallenge = denied.includes(`challenge/${s.challenge}/leaderboard`)

  useEffect(() => {
    document.title = `${title} · ${strings.product}`
    return () => {
      document.title = strings.product
    }
  }, [title])

  return (
    <>
      <a className="skip" href="#race" onClick={(e) => {
        e.preventDefault() // the fragment is for sign-in; focus moves without it
        document.getElementById('race')?.focus()
      }}>
        {strings.skip}
      </a>
      <Header state={s} title={title} connection={connection} now={now} onSignOut={onSignOut} />
      <main className={`columns ${s.session === '' || s.challenge === '' ? 'one-room' : ''}`} data-connection={connection}>
        {s.session !== '' && (
          <div className="column-race" id="race" tabIndex={-1}>
            {deniedSession ? (
              <p className="panel notice" data-testid="session-denied">{strings.sessionDenied}</p>
            ) : (
              <>
                <Race state={s} now={now} />
                <Athletes tiles={shown} now={now} me={s.me} />
              </>
            )}
          </div>
        )}
        <aside className="column-aside">
          {s.challenge !== '' && <Challenge state={s} denied={deniedChallenge} now={now} />}
          <Feed state={s} now={now} />
        </aside>
      </main>
      <p className="visually-hidden" aria-live="polite" data-testid="announcer">
        {lead === undefined ? '' : strings.race.leadTaken(lead.name)}
      </p>
    </>
  )
}
