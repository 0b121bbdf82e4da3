import type { SessionInfo } from '@fitmq/client'
import { newId } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState, type FormEvent, type ReactNode } from 'react'
import { formatTimeLeft } from '../format'
import { go, hrefOf } from '../route'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { isId } from '../ticket'
import { useAsked, type List } from '../ui/asked'
import { useNow, useTitle } from '../ui/hooks'
import { useNames } from '../ui/names'
import { secondsUntil } from './select'

const t = strings.sessions
type Kind = SessionInfo['kind']

/** What is listed first: what runs, then what will, then what is over. */
const byState: Record<SessionInfo['state'], number> = { live: 0, paused: 0, scheduled: 1, ended: 2 }

/** In the order in which they are worth looking at: by state, then the newest first. */
export function sorted(all: readonly SessionInfo[], kind: Kind): SessionInfo[] {
  return all
    .filter((s) => (s.kind || 'workout') === kind)
    .sort((a, b) => byState[a.state] - byState[b.state] || (a.createdAt < b.createdAt ? 1 : -1))
}

/** When a session that waits for its time starts, in words. */
function when(s: SessionInfo, now: number): string {
  const seconds = s.state === 'scheduled' ? secondsUntil(s.startsAt, now) : undefined
  if (seconds === undefined) return ''
  return seconds === 0 ? strings.session.startsNow : strings.session.startsIn(formatTimeLeft(seconds))
}

/** How often the list is asked for again, in ms: as long as it is looked at, and when a session of it is about to start. */
const renewal = { usual: 20_000, starting: 2_000 }

/** Keeps a list up to date while the page is looked at and there is a connection. */
function useRenewed(reload: () => void, starting: boolean): void {
  const client = useFitmq()
  useEffect(() => {
    const renew = (): void => {
      if (document.visibilityState === 'visible' && client.status.state === 'connected') reload()
    }
    const timer = setInterval(renew, starting ? renewal.starting : renewal.usual)
    return () => clearInterval(timer)
  }, [client, reload, starting])
}

/** The sessions of a kind that one may join, and a way to a new one; children stand below the list. */
export function Sessions({ kind, children }: { kind: Kind; children?: ReactNode }) {
  const { value, error, reload } = useAsked<List<SessionInfo>>('/sessions?limit=200')
  const room = kind === 'training' ? 'training' : 'live'
  const all = sorted(value?.items ?? [], kind)
  const nameOf = useNames()
  const now = useNow(1000)
  useRenewed(reload, all.some((s) => s.state === 'scheduled' && secondsUntil(s.startsAt, now) === 0))
  useTitle(t.title[kind])
  return (
    <>
      <div className="heading"><h1>{t.title[kind]}</h1></div>
      <div className="columns">
        <div className="column-race">
          <section className="panel list-panel" aria-label={t.list[kind]}>
            {value === undefined && error === undefined && <p className="empty" role="status">{strings.loading}</p>}
            {error !== undefined && (
              <p className="empty">
                {error} <button type="button" className="quiet-button" onClick={reload}>{strings.again}</button>
              </p>
            )}
            {value !== undefined && all.length === 0 && <p className="empty">{t.none[kind]}</p>}
            <ul className="rows">
              {all.map((s) => (
                <li key={s.sessionId}>
                  <a className="row" href={hrefOf(room, [s.sessionId])} data-testid="session-link" data-session={s.sessionId}>
                    <span className="row-main">
                      <strong>{s.title || s.sessionId}</strong>
                      <span className="muted">{[t.by(s.hostName ?? nameOf(s.host)), when(s, now)].filter(Boolean).join(' · ')}</span>
                    </span>
                    <span className="state-pill" data-state={s.state}>{strings.sessionState[s.state]}</span>
                  </a>
                </li>
              ))}
            </ul>
          </section>
          {children}
        </div>
        <aside className="column-aside" aria-label={t.make[kind]}>
          <JoinForm room={room} />
          <NewSession kind={kind} room={room} />
        </aside>
      </div>
    </>
  )
}

function JoinForm({ room }: { room: string }) {
  const [wrong, setWrong] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const id = String(new FormData(event.currentTarget).get('id') ?? '').trim()
    setWrong(!isId(id))
    if (isId(id)) go(hrefOf(room, [id]))
  }
  return (
    <form className="panel form" onSubmit={submit} aria-label={t.join}>
      <h2>{t.join}</h2>
      <label>
        {t.id}
        <input name="id" autoCapitalize="none" spellCheck={false} required aria-invalid={wrong} aria-describedby="join-wrong" />
      </label>
      <p id="join-wrong" className="problem" role="alert" hidden={!wrong}>{strings.signIn.badId}</p>
      <button type="submit" className="button">{t.joinButton}</button>
    </form>
  )
}

function NewSession({ kind, room }: { kind: Kind; room: string }) {
  const client = useFitmq()
  const me = useMe()
  const tell = useTell()
  const [busy, setBusy] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const title = String(data.get('title') ?? '').trim()
    const id = newId().slice(0, 12)
    const startsAt = Date.parse(String(data.get('startsAt') ?? '')) // by this machine's clock and zone, as it was typed
    const capacity = Number(data.get('capacity'))
    setBusy(true)
    client.request('PUT', `/sessions/${id}`, {
      kind, title, host: me.userId,
      visibility: data.get('invite') === 'on' ? 'invite' : 'open',
      ...(kind === 'training' && me.role === 'trainer' ? { trainer: me.userId } : {}),
      ...(kind === 'workout' ? { rankBy: String(data.get('rankBy')) } : {}),
      ...(startsAt > Date.now() ? { startsAt: new Date(startsAt).toISOString() } : {}),
      ...(capacity > 0 ? { capacity } : {}),
    }).then(
      () => go(hrefOf(room, [id])),
      (error: unknown) => {
        setBusy(false)
        tell(wordsOf(error))
      },
    )
  }
  return (
    <form className="panel form" onSubmit={submit} aria-label={t.make[kind]}>
      <h2>{t.make[kind]}</h2>
      <label>
        {t.name}
        <input name="title" maxLength={200} required />
      </label>
      {kind === 'workout' && (
        <label>
          {t.rankBy}
          <select name="rankBy" defaultValue="distance">
            {(['distance', 'calories', 'power', 'speed', 'steps', 'repetitions'] as const).map((m) => (
              <option key={m} value={m}>{strings.metrics[m]}</option>
            ))}
          </select>
        </label>
      )}
      <label>{t.startsAt}<input name="startsAt" type="datetime-local" /></label>
      <label>{t.capacity}<input name="capacity" type="number" min={1} max={100000} inputMode="numeric" /></label>
      <label className="check">
        <input name="invite" type="checkbox" /> {t.invite}
      </label>
      <button type="submit" className="button" disabled={busy}>{t.makeButton}</button>
    </form>
  )
}
