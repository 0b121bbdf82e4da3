import type { Presence, Training } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { count, distance, formatAgo, join } from '../format'
import { hrefOf } from '../route'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { useNow } from '../ui/hooks'
import { learnNames } from '../ui/names'
import { Avatar, ZoneTag } from '../ui/parts'
import { byUrgency, doing, type Doing } from './overview'
import { QuickCorrection } from './QuickCorrection'
import { useLed } from './useLed'

const t = strings.training

interface ClientLink {
  readonly clientId: string
  readonly name: string
  readonly presence?: Presence
}

/** Whether the clients are there. */
function usePresences(ids: readonly string[]): Readonly<Record<string, Presence>> {
  const client = useFitmq()
  const [known, setKnown] = useState<Readonly<Record<string, Presence>>>({})
  const key = ids.join(' ')
  useEffect(() => {
    const offs = ids.map((id) => client.onPresence(id, (p) => setKnown((all) => ({ ...all, [id]: p }))))
    return () => {
      for (const off of offs) off()
    }
  }, [client, key])
  return known
}

/** A trainer's overview: who trains now and how hard, what was said last, and a quick word. */
export function Clients() {
  const me = useMe()
  const { value } = useAsked<List<ClientLink>>(`/links?trainer=${me.userId}&limit=200`)
  const links = value?.items ?? []
  const presences = usePresences(links.map((c) => c.clientId))
  const { led, trainings } = useLed(me.userId)
  const now = useNow(1000)
  useEffect(() => learnNames(links.map((c) => ({ userId: c.clientId, name: c.name }))), [value])
  const clients = byUrgency(links.map((c) => ({ ...c, doing: doing(c.clientId, led, now) })))
  const training = clients.filter((c) => c.doing.sample !== undefined).length
  return (
    <section className="clients" aria-labelledby="clients-title">
      <h2 id="clients-title">{t.clients} <span className="tally">{links.length}</span></h2>
      {links.length > 0 && <p className="muted" data-testid="training-now" data-count={training}>{t.trainNow(training)}</p>}
      {value !== undefined && links.length === 0 && <p className="panel empty">{t.noClients}</p>}
      <ul className="tiles">
        {clients.map((c) => (
          <ClientTile
            key={c.clientId}
            client={c}
            presence={presences[c.clientId] ?? c.presence}
            doing={c.doing}
            training={trainings.get(c.doing.session?.id ?? '')}
            now={now}
          />
        ))}
      </ul>
    </section>
  )
}

interface TileProps {
  client: ClientLink
  presence: Presence | undefined
  doing: Doing
  training: Training | undefined
  now: number
}

function ClientTile({ client: c, presence, doing: d, training, now }: TileProps) {
  const s = d.sample
  return (
    <li className="tile panel" data-testid="client" data-user={c.clientId} data-presence={presence?.state} data-zone={d.zone} data-heart-rate={s?.heartRate}>
      <div className="tile-head">
        <Avatar userId={c.clientId} name={c.name} />
        <div className="tile-who">
          <h3><span className="tile-name">{c.name}</span></h3>
          <span className="presence" data-state={presence?.state ?? 'unknown'}>
            <span className="dot" aria-hidden="true" />
            {strings.presence[presence?.state ?? 'unknown']}
            {presence?.state === 'offline' && presence.lastSeen !== undefined && `, ${strings.lastSeen(formatAgo(now - Date.parse(presence.lastSeen)))}`}
          </span>
        </div>
      </div>
      <p className="client-live">
        {s === undefined ? <span className="muted">{t.noSample}</span> : (
          <>
            {s.heartRate ? <strong className="client-heart">{join(count(s.heartRate, 'bpm'))}</strong> : null}
            {d.zone !== undefined && <ZoneTag zone={d.zone} />}
            {s.distance !== undefined && <span>{join(distance(s.distance))}</span>}
            {s.repetitions !== undefined && <span>{t.repetitions(s.repetitions)}</span>}
          </>
        )}
      </p>
      {d.correction !== undefined && (
        <p className="fine client-said" data-testid="last-correction" data-state={d.correction.seen ? 'seen' : 'sent'}>
          {t.lastSaid} <strong>{d.correction.cue ?? t.exercises[d.correction.exercise] ?? d.correction.exercise}</strong> · {d.correction.seen ? `✓ ${t.seen}` : t.notSeen}
        </p>
      )}
      {training !== undefined && <QuickCorrection training={training} userId={c.clientId} name={c.name} exercise={d.correction?.exercise} />}
      <div className="actions">
        <a className="quiet-button" href={hrefOf('chat', ['with', c.clientId])}>{t.write}</a>
        {d.session !== undefined && <a className="quiet-button" href={hrefOf('training', [d.session.id], { to: c.clientId })}>{t.inSession(d.session.title)}</a>}
      </div>
    </li>
  )
}
