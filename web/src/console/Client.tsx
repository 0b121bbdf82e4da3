import { useState } from 'react'
import { ago, bytes, clock, count, expiry, protocol } from './format'
import { Dropped, Fact, href, Sure, Table, useClock, Waiting } from './parts'
import { useAct, usePoll } from './poll'
import { strings } from './strings'
import { TracePanel } from './Trace'
import type { ClientInfo, Gate, Queue } from './types'

const t = strings.client

/** One client: who it is, what it subscribes to, what waits for it, and what it does just now. */
export function Client({ gate, id }: { gate: Gate; id: string }) {
  const path = `/clients/${encodeURIComponent(id)}`
  const client = usePoll<ClientInfo>(gate, path, 3_000)
  const queue = usePoll<Queue>(gate, `${path}/queue`, 5_000)
  const now = useClock()
  const [said, setSaid] = useState('')
  const { busy, error, act } = useAct()
  const gone = client.status === 404
  const c = client.value
  const end = (forget: boolean): void => act(
    () => gate.request('DELETE', forget ? `${path}?session=true` : path),
    () => {
      setSaid(forget ? t.discarded : t.disconnected)
      client.reload()
    },
  )
  return (
    <>
      <p><a href={href('clients')}>← {strings.back}</a></p>
      <h2 className="console-heading console-code" data-testid="client-id">{id}</h2>
      <p role="status" className="console-said" data-testid="client-said">{said}</p>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      {gone ? <p className="console-empty panel" data-testid="client-gone">{t.gone}</p> : <Waiting of={client} />}
      {c !== undefined && !gone && (
        <>
          <dl className="console-facts panel" data-testid="client-facts" data-connected={c.connected}>
            <Fact name={strings.clients.state}><span className="console-state" data-good={c.connected}>{c.connected ? strings.clients.connected : strings.clients.away}</span></Fact>
            <Fact name={strings.clients.user}>{c.userId === '' ? <i>{strings.clients.anonymous}</i> : c.userId}</Fact>
            <Fact name={t.role}>{c.role || strings.none}</Fact>
            <Fact name={strings.clients.how}>{protocol(c.via, c.version)}</Fact>
            <Fact name={strings.clients.address}><span className="console-code">{c.remote ?? strings.none}</span></Fact>
            <Fact name={strings.clients.since}><span title={clock(c.since, now)}>{ago(c.since, now)}</span></Fact>
            <Fact name={t.expiry}>{expiry(c.expiry)}</Fact>
            <Fact name={t.will}>{c.will ? strings.yes : strings.no}</Fact>
          </dl>
          <Hints of={hintsOf(c, queue.value)} />
          <div className="console-row">
            <Sure label={t.disconnect} question={t.sureDisconnect} disabled={busy || !c.connected} onYes={() => end(false)} />
            <Sure label={t.forget} question={t.sureForget} disabled={busy} onYes={() => end(true)} />
          </div>
          <div className="console-pair">
            <section className="panel" aria-label={t.queue}>
              <h3 className="console-heading console-inside">{t.queue}</h3>
              <Waiting of={queue} />
              {queue.value !== undefined && (
                <dl className="console-facts" data-testid="client-queue" data-messages={queue.value.messages}>
                  <Fact name={t.messages}>{count(queue.value.messages)}</Fact>
                  <Fact name={t.bytes}>{bytes(queue.value.bytes)}</Fact>
                  <Fact name={t.inflight}>{count(queue.value.inflight)}</Fact>
                  <Fact name={t.window}>{c.window === undefined ? strings.none : count(c.window)}</Fact>
                  <Fact name={t.dropped}><Dropped of={c.dropped} /></Fact>
                  <Fact name={t.oldest}>{ago(queue.value.oldest, now)}</Fact>
                </dl>
              )}
            </section>
            <Subscriptions of={c.subscriptions} />
          </div>
        </>
      )}
      <TracePanel gate={gate} id={id} filters={c === undefined || gone ? undefined : Object.keys(c.subscriptions)} />
    </>
  )
}

/** Why this client may not get its messages, as far as the broker knows. */
export function hintsOf(c: ClientInfo, q: Queue | undefined): string[] {
  const h = t.hints
  const granted = Object.values(c.subscriptions)
  return [
    c.connected ? '' : h.away,
    granted.length === 0 ? h.nothing : '',
    c.expiry === 0 ? h.short : '',
    c.expiry > 0 && granted.length > 0 && granted.every((qos) => qos === 0) ? h.qos0 : '',
    c.connected && c.window !== undefined && c.inflight >= c.window ? h.stalled(count(c.inflight)) : '',
    c.connected && c.inflight > 0 && (q?.messages ?? 0) > 0 && !(c.window !== undefined && c.inflight >= c.window) ? h.slow : '',
    Object.values(c.dropped ?? {}).some((n) => n > 0) ? h.dropped : '',
  ].filter((text) => text !== '')
}

function Hints({ of }: { of: readonly string[] }) {
  return (
    <section className="panel" aria-label={t.why} data-testid="hints">
      <h3 className="console-heading console-inside">{t.why}</h3>
      <ul className="console-hints">
        {(of.length === 0 ? [t.hints.none] : of).map((text) => <li key={text}>{text}</li>)}
      </ul>
    </section>
  )
}

function Subscriptions({ of }: { of: Readonly<Record<string, number>> }) {
  const list = Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
  return (
    <section className="panel" aria-label={t.subscriptions}>
      <h3 className="console-heading console-inside">{t.subscriptions} <small>{list.length}</small></h3>
      {list.length === 0 ? <p className="console-empty">{t.noSubscriptions}</p> : (
        <Table caption={t.subscriptions} head={[t.filter, t.qos]} testid="client-subscriptions">
          {list.map(([filter, qos]) => (
            <tr key={filter}>
              <th scope="row" className="console-code">{filter}</th>
              <td className="console-number">{qos}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
