import { useCallback, useEffect, useState } from 'react'
import { clock } from './format'
import { Table, useClock } from './parts'
import { failureOf, Poller } from './poll'
import { strings } from './strings'
import { asText, chosen, detailOf, download, matches } from './traceview'
import type { Gate, Trace, TraceEvent } from './types'

const t = strings.trace
/** How many events the page keeps: as many as the broker does. */
export const kept = 500

export interface Known {
  readonly next: number
  readonly skipped: number
  readonly events: readonly TraceEvent[]
}

/** What is known once an answer has come; only the newest are kept. */
export function joined(known: Known, answer: Trace): Known {
  const fresh = answer.events.filter((e) => e.n > known.next)
  const all = [...known.events, ...fresh]
  const cut = Math.max(0, all.length - kept)
  return { next: Math.max(known.next, answer.next), skipped: known.skipped + answer.skipped + cut, events: all.slice(cut) }
}

const nothing: Known = { next: 0, skipped: 0, events: [] }

type State = 'off' | 'on' | 'ended'

function useTrace(gate: Gate, id: string): { state: State; known: Known; error: string | undefined; start: () => void; stop: () => void } {
  const path = `/clients/${encodeURIComponent(id)}/trace`
  const [state, setState] = useState<State>('off')
  const [known, setKnown] = useState(nothing)
  const [error, setError] = useState<string>()

  useEffect(() => {
    if (state !== 'on') return
    let over = false
    let after = 0
    const poller = new Poller(async () => {
      try {
        const answer = await gate.request<Trace>('GET', `${path}?after=${after}`)
        if (over) return true
        after = Math.max(after, answer.next)
        setKnown((k) => joined(k, answer))
        setError(undefined)
        return true
      } catch (failed) {
        const { error: text, status } = failureOf(failed)
        if (!over && status === 404) setState('ended') // by somebody else, or by a restart
        else if (!over) setError(text)
        return false
      }
    }, 1_000)
    poller.now()
    return () => {
      over = true
      poller.stop()
    }
  }, [gate, path, state])

  const start = useCallback(() => {
    setError(undefined)
    gate.request('PUT', path, {}).then(() => {
      setKnown(nothing)
      setState('on')
    }, (failed: unknown) => setError(failureOf(failed).error))
  }, [gate, path])
  const stop = useCallback(() => {
    setState('ended')
    gate.request('DELETE', path).catch(() => undefined) // it ends by itself, too
  }, [gate, path])
  return { state, known, error, start, stop }
}

/** Starts and stops a client's trace, and shows it as it goes on; filters are what the client subscribes to. */
export function TracePanel({ gate, id, filters }: { gate: Gate; id: string; filters: readonly string[] | undefined }) {
  const { state, known, error, start, stop } = useTrace(gate, id)
  const [held, setHeld] = useState<Known>()
  const [over, setOver] = useState<Known>() // while the pointer is among the rows
  const [direction, setDirection] = useState('')
  const [topic, setTopic] = useState('')
  const now = useClock()
  const shown = held ?? over ?? known
  const list = chosen(shown.events, direction, topic)
  const asked = topic.trim()
  const unmatched = asked.includes('/') && !/[+#]/.test(asked) && filters !== undefined && !filters.some((f) => matches(f, asked))
  const save = (json: boolean): void => download(`trace-${id.replace(/[^A-Za-z0-9_-]/g, '_')}.${json ? 'json' : 'txt'}`, json ? 'application/json' : 'text/plain',
    json ? `${JSON.stringify({ clientId: id, skipped: shown.skipped, events: list }, undefined, 1)}\n` : asText(list))
  return (
    <section className="panel" aria-label={t.title} data-testid="trace" data-state={state}>
      <div className="console-row console-inside">
        <h3 className="console-heading">{t.title}</h3>
        {state === 'on' && (
          <button type="button" className="quiet-button" aria-pressed={held !== undefined} onClick={() => setHeld(held === undefined ? known : undefined)}>
            {held === undefined ? t.pause : t.resume}
          </button>
        )}
        <button type="button" className="quiet-button" data-testid="trace-button" onClick={() => {
          setHeld(undefined)
          if (state === 'on') stop()
          else start()
        }}>
          {state === 'on' ? t.stop : t.start}
        </button>
      </div>
      <p className="console-help">{t.help}</p>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      {state === 'ended' && <p role="status" className="console-help">{t.ended}</p>}
      {shown.events.length > 0 && (
        <div className="console-tools console-inside">
          <label className="console-wide">
            {t.topic}
            <input type="search" value={topic} maxLength={256} spellCheck={false} autoCapitalize="none" data-testid="trace-topic" onChange={(e) => setTopic(e.target.value)} />
          </label>
          <label>
            {t.direction}
            <select value={direction} onChange={(e) => setDirection(e.target.value)}>
              {Object.entries(t.directions).map(([v, name]) => <option key={v} value={v}>{name}</option>)}
            </select>
          </label>
          <button type="button" className="quiet-button" data-testid="trace-text" onClick={() => save(false)}>{t.text}</button>
          <button type="button" className="quiet-button" data-testid="trace-json" onClick={() => save(true)}>{t.json}</button>
        </div>
      )}
      {unmatched && <p className="console-help" data-testid="trace-unmatched">{t.unmatched(asked)}</p>}
      {state === 'on' && shown.events.length === 0 && <p role="status" className="console-empty">{t.empty}</p>}
      {shown.events.length > 0 && list.length === 0 && <p className="console-empty">{strings.refusals.noMatch}</p>}
      {shown.skipped > 0 && <p className="console-help">{t.skipped(shown.skipped)}</p>}
      {list.length > 0 && (
        <div onPointerEnter={() => setOver(known)} onPointerLeave={() => setOver(undefined)}>
          <p className="console-help console-held">{held === undefined && over !== undefined && known.next > over.next ? strings.held(known.next - over.next) : ''}</p>
          <Events list={list} now={now} />
        </div>
      )}
    </section>
  )
}

function Events({ list, now }: { list: readonly TraceEvent[]; now: number }) {
  return (
    <Table caption={t.caption} head={[t.time, t.packet, t.about, t.detail]} testid="trace-events">
      {list.toReversed().map((e) => (
        <tr key={e.n} data-testid="trace-event" data-packet={e.packet} data-direction={e.direction} data-bad={(e.code ?? 0) >= 0x80}>
          <td className="console-code">{clock(e.time, now, true)}</td>
          <th scope="row">
            <span className="console-arrow" data-direction={e.direction} aria-hidden="true">{e.direction === 'in' ? '→' : '←'}</span>
            <span className="console-code">{e.packet}</span>
            <span className="visually-hidden"> {e.direction === 'in' ? t.in : t.out}</span>
          </th>
          <td className="console-code">{e.topic ?? ''}</td>
          <td>{detailOf(e)}</td>
        </tr>
      ))}
    </Table>
  )
}
