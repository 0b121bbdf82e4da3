import { useState } from 'react'
import { ago, clock, count } from './format'
import { Fact, Table, useClock, Waiting } from './parts'
import { useAct, usePoll } from './poll'
import { strings } from './strings'
import type { Gate, Page, Webhook } from './types'

const t = strings.webhooks

/** How each webhook is doing, with its latest failures. */
export function Webhooks({ gate }: { gate: Gate }) {
  const list = usePoll<Page<Webhook>>(gate, '/webhooks', 3_000)
  const now = useClock()
  const [said, setSaid] = useState('')
  const { busy, error, act } = useAct()
  const retry = (name: string): void => act(() => gate.request('POST', `/webhooks/${encodeURIComponent(name)}/retry`, {}), () => {
    setSaid(t.retried(name))
    list.reload()
  })
  return (
    <>
      <p role="status" className="console-said" data-testid="webhook-said">{said}</p>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      <Waiting of={list} />
      {list.value?.items.length === 0 && <p className="console-empty panel">{t.empty}</p>}
      {list.value?.items.map((w) => <Hook key={w.name} hook={w} now={now} busy={busy} onRetry={() => retry(w.name)} />)}
    </>
  )
}

/** What is to be said of a webhook in two words. */
export function stateOf(w: Pick<Webhook, 'stopped' | 'pausedUntil'>, now: number): { text: string; good: boolean } {
  if (w.stopped) return { text: t.stopped, good: false }
  if (w.pausedUntil !== undefined && Date.parse(w.pausedUntil) > now) return { text: t.paused, good: false }
  return { text: t.ok, good: true }
}

function Hook({ hook: w, now, busy, onRetry }: { hook: Webhook; now: number; busy: boolean; onRetry: () => void }) {
  const state = stateOf(w, now)
  const faults = (w.lastErrors ?? []).toReversed()
  return (
    <section className="panel" aria-label={w.name} data-testid="webhook" data-name={w.name}>
      <div className="console-row console-inside">
        <h2 className="console-heading">{w.name}</h2>
        <span className="console-state" data-good={state.good}>{state.text}</span>
        <button type="button" className="quiet-button" aria-label={t.retryOf(w.name)} disabled={busy} onClick={onRetry}>{t.retry}</button>
      </div>
      <p className="console-help console-code">{w.url}</p>
      <dl className="console-facts">
        <Fact name={t.waiting}>{count(w.waiting)}</Fact>
        <Fact name={t.delivered}>{count(w.delivered)}</Fact>
        <Fact name={t.failed}>{count(w.failed)}</Fact>
        <Fact name={t.givenUp}>{count(w.givenUp)}</Fact>
        <Fact name={t.last}>{ago(w.lastDelivery, now)}</Fact>
        {w.pausedUntil !== undefined && <Fact name={t.until}>{clock(w.pausedUntil, now)}</Fact>}
        <Fact name={t.events} wide>{w.events.join(', ')}</Fact>
      </dl>
      {faults[0] !== undefined && <p className="console-help" data-testid="last-error">{t.lastError(ago(faults[0].at, now), faults[0].error)}</p>}
      {faults.length > 0 && (
        <details>
          <summary>{t.faults} ({faults.length})</summary>
          <Table caption={t.faults} head={[t.time, t.event, t.attempt, t.what]}>
            {faults.map((f, i) => (
              <tr key={`${f.at} ${i}`}>
                <td className="console-code">{clock(f.at, now)}</td>
                <th scope="row">{f.type} <small className="console-code">{f.eventId}</small></th>
                <td className="console-number">{f.attempt}</td>
                <td>{f.error}</td>
              </tr>
            ))}
          </Table>
        </details>
      )}
    </section>
  )
}
