import type { LiveSample, Presence, SessionInfo } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { count, distance, formatAgo, heartRateZone, join } from '../format'
import { hrefOf } from '../route'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { useNow } from '../ui/hooks'
import { learnNames } from '../ui/names'
import { Avatar } from '../ui/parts'

const t = strings.training
/** Sessions whose samples are followed; a trainer runs few at once. */
const followed = 10
/** A sample older than this is not live, in ms. */
const liveFor = 30_000

interface ClientLink {
  readonly clientId: string
  readonly name: string
  readonly presence?: Presence
}

interface LiveNow {
  readonly sample: LiveSample
  readonly session: string
  readonly at: number
}

/** Who the clients are, whether they are there, and what they do right now. */
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

/** The live samples of everybody in the sessions that one trains. */
function useSamples(me: string): Readonly<Record<string, LiveNow>> {
  const client = useFitmq()
  const { value } = useAsked<List<SessionInfo>>('/sessions?limit=200')
  const sessions = (value?.items ?? []).filter((s) => s.trainer === me && s.state === 'live').slice(0, followed).map((s) => s.sessionId)
  const [now, setNow] = useState<Readonly<Record<string, LiveNow>>>({})
  const key = sessions.join(' ')
  useEffect(() => {
    const subscriptions = sessions.map((session) => client.subscribe<LiveSample | { samples: readonly LiveSample[] }>(`session/${session}/progress/+`, (m) => {
      const user = m.ids[1]
      const sample = 'samples' in m.payload ? m.payload.samples.at(-1) : m.payload
      if (user !== undefined && sample !== undefined) setNow((all) => ({ ...all, [user]: { sample, session, at: Date.parse(sample.timestamp) } }))
    }))
    return () => {
      for (const s of subscriptions) s.close()
    }
  }, [client, key])
  return now
}

/** A trainer's overview. */
export function Clients() {
  const me = useMe()
  const { value } = useAsked<List<ClientLink>>(`/links?trainer=${me.userId}&limit=200`)
  const clients = value?.items ?? []
  const presences = usePresences(clients.map((c) => c.clientId))
  const samples = useSamples(me.userId)
  const now = useNow(1000)
  useEffect(() => learnNames(clients.map((c) => ({ userId: c.clientId, name: c.name }))), [value])
  return (
    <section className="clients" aria-labelledby="clients-title">
      <h2 id="clients-title">{t.clients} <span className="tally">{clients.length}</span></h2>
      {value !== undefined && clients.length === 0 && <p className="panel empty">{t.noClients}</p>}
      <ul className="tiles">
        {clients.map((c) => (
          <ClientTile key={c.clientId} client={c} presence={presences[c.clientId] ?? c.presence} live={samples[c.clientId]} now={now} />
        ))}
      </ul>
    </section>
  )
}

function ClientTile({ client: c, presence, live, now }: { client: ClientLink; presence: Presence | undefined; live: LiveNow | undefined; now: number }) {
  const fresh = live !== undefined && now - live.at < liveFor ? live : undefined
  const s = fresh?.sample
  return (
    <li className="tile panel" data-testid="client" data-user={c.clientId} data-presence={presence?.state} data-zone={s?.heartRate ? heartRateZone(s.heartRate) : undefined} data-heart-rate={s?.heartRate}>
      <div className="tile-head">
        <Avatar userId={c.clientId} name={c.name} />
        <div className="tile-who">
          <h3>{c.name}</h3>
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
            {s.heartRate ? <strong className="zone">{join(count(s.heartRate, 'bpm'))}</strong> : null}
            {s.distance !== undefined && <span>{join(distance(s.distance))}</span>}
          </>
        )}
      </p>
      <div className="actions">
        <a className="quiet-button" href={hrefOf('chat', ['with', c.clientId])}>{t.write}</a>
        {fresh !== undefined && <a className="quiet-button" href={hrefOf('training', [fresh.session])}>{t.inSession}</a>}
      </div>
    </li>
  )
}
