import { useFitmq } from '@fitmq/react'
import { Suspense, useEffect, useRef } from 'react'
import { roomOf, rooms } from '../rooms'
import { hrefOf, usePlace } from '../route'
import { strings } from '../strings'
import { Mark } from '../ui/parts'
import { ConnectionBanner, ConnectionPill } from './Connection'
import { Guard } from './Guard'
import { MeContext, useUnread, useWhoAmI, type Me } from './me'
import { News } from './News'
import { Notices } from './Notices'
import { ThemeButton } from './ThemeButton'

/** What is around every room: navigation, the connection's state, and sentences that come up. */
export function Shell({ onSignOut }: { onSignOut: () => void }) {
  const me = useWhoAmI(useFitmq())
  const place = usePlace()
  const room = roomOf(place)
  const main = useRef<HTMLElement>(null)
  const where = [room.id, ...place.path].join('/')
  const first = useRef(where)

  useEffect(() => {
    if (first.current === where) return
    first.current = ''
    main.current?.focus({ preventScroll: true }) // a screen reader goes on where the new room begins
    window.scrollTo(0, 0)
  }, [where])

  if (me === undefined) return null
  return (
    <MeContext value={me}>
      <Notices>
        <News room={room.id} />
        <a className="skip" href="#main" onClick={(e) => {
          e.preventDefault() // the fragment is the place; focus moves without it
          main.current?.focus()
        }}>
          {strings.skip}
        </a>
        <div className="shell">
          <header className="top">
            <a className="home" href={hrefOf('')} aria-label={strings.product}><Mark /></a>
            <div className="top-end">
              <ConnectionPill />
              <ThemeButton />
              <span className="top-who" title={me.userId}>{me.name}</span>
              <button type="button" className="quiet-button" onClick={onSignOut} data-testid="sign-out">
                {strings.signOut}
              </button>
            </div>
          </header>
          <Navigation me={me} current={room.id} />
          <main id="main" ref={main} tabIndex={-1} className="main">
            <ConnectionBanner />
            <Guard key={room.id}>
              <Suspense fallback={<p className="empty" role="status">{strings.loading}</p>}>
                <room.View place={place} />
              </Suspense>
            </Guard>
          </main>
        </div>
      </Notices>
    </MeContext>
  )
}

function Navigation({ me, current }: { me: Me; current: string }) {
  const unread = useUnread()
  return (
    <nav className="nav" aria-label={strings.navigation}>
      <ul>
        {rooms.filter((r) => r.roles === undefined || r.roles.includes(me.role)).map((r) => {
          const n = r.badge === undefined ? 0 : unread[r.badge]
          return (
            <li key={r.id}>
              <a href={hrefOf(r.id)} aria-current={r.id === current ? 'page' : undefined}>
                <svg viewBox="0 0 24 24" aria-hidden="true"><path d={r.picture} /></svg>
                <span className="nav-name">{strings.rooms[r.id]}</span>
                {n > 0 && (
                  <span className="badge" data-testid={`badge-${r.badge}`} data-count={n}>
                    {n > 99 ? '99+' : n}
                    <span className="visually-hidden"> {strings.unread}</span>
                  </span>
                )}
              </a>
            </li>
          )
        })}
      </ul>
    </nav>
  )
}
