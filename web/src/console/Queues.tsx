import { useState } from 'react'
import { ago, bytes, count } from './format'
import { Dropped, Held, href, Sure, Table, useClock, Waiting } from './parts'
import { useAct, usePoll } from './poll'
import { useSteady } from './steady'
import { strings } from './strings'
import type { ClientQueue, Gate, Queues as List } from './types'

const t = strings.queues

/** What to say of a queue: who it is that does not take its messages. */
export function stateOf(q: Pick<ClientQueue, 'connected' | 'inflight' | 'window'>): { text: string; good: boolean } {
  if (!q.connected) return { text: strings.clients.away, good: false }
  if (q.window !== undefined && q.inflight >= q.window) return { text: t.stalled, good: false }
  return { text: strings.clients.connected, good: true }
}

/** For which sessions the most waits. */
export function Queues({ gate }: { gate: Gate }) {
  const [by, setBy] = useState('bytes')
  const list = usePoll<List>(gate, `/queues?limit=50&by=${by}`, 3_000)
  const rows = useSteady(list.value?.items, (q) => q.clientId, by)
  const [said, setSaid] = useState('')
  const { busy, error, act } = useAct()
  const now = useClock()
  const discard = (id: string): void => act(() => gate.request('DELETE', `/clients/${encodeURIComponent(id)}?session=true`), () => {
    setSaid(t.discarded(id))
    list.reload()
  })
  const v = list.value
  return (
    <>
      <form className="console-tools" onSubmit={(e) => e.preventDefault()}>
        <label>
          {strings.clients.sort}
          <select value={by} onChange={(e) => setBy(e.target.value)}>
            {Object.entries(t.sorts).map(([word, name]) => <option key={word} value={word}>{name}</option>)}
          </select>
        </label>
      </form>
      <p className="console-help">{t.help}</p>
      <p role="status" className="console-said" data-testid="queue-said">{said}</p>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        <Held list={rows} />
        {v !== undefined && v.looked < v.sessions && <p className="console-help">{t.looked(count(v.looked), count(v.sessions))}</p>}
        {v?.items.length === 0 && <p className="console-empty">{t.empty}</p>}
        {rows.rows.length > 0 && (
          <Table caption={t.caption} head={[strings.clients.id, strings.clients.state, t.size, t.messages, t.inflight, t.oldest, t.dropped, t.action]} testid="queues" holding={rows.holding}>
            {rows.rows.map(({ item: q, gone }) => {
              const state = stateOf(q)
              return (
                <tr key={q.clientId} data-testid="queue-row" data-client={q.clientId} data-gone={gone}>
                  <th scope="row"><a href={href('clients', q.clientId)}>{q.clientId}</a> <small>{q.userId === '' ? strings.clients.anonymous : q.userId}</small></th>
                  <td><span className="console-state" data-good={state.good}>{state.text}</span> <small>{ago(q.since, now)}</small></td>
                  <td className="console-number">{bytes(q.bytes)}</td>
                  <td className="console-number">{count(q.messages)}</td>
                  <td className="console-number">{count(q.inflight)}{q.window !== undefined && <small> / {count(q.window)}</small>}</td>
                  <td className="console-nowrap">{ago(q.oldest, now)}</td>
                  <td><Dropped of={q.dropped} /></td>
                  <td><Sure label={t.discard} name={t.discardOf(q.clientId)} question={t.sure(q.clientId, count(q.messages + q.inflight))} disabled={busy || gone} onYes={() => discard(q.clientId)} /></td>
                </tr>
              )
            })}
          </Table>
        )}
      </section>
    </>
  )
}
