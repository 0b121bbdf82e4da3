import { useState, type FormEvent } from 'react'
import { clock } from './format'
import { href, Table, useClock } from './parts'
import { useAct } from './poll'
import { strings } from './strings'
import type { Explained, Fate, Gate } from './types'

const t = strings.explain

/** The question's address. */
export function explainPath(id: string, topic: string): string {
  return `/explain/${encodeURIComponent(id.trim())}${topic.trim() === '' ? '' : `?topic=${encodeURIComponent(topic.trim())}`}`
}

/** What became of a message, for each recipient. */
export function Explain({ gate }: { gate: Gate }) {
  const [found, setFound] = useState<Explained>()
  const { busy, error, act } = useAct()
  const now = useClock()
  const ask = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    setFound(undefined)
    act(async () => setFound(await gate.request<Explained>('GET', explainPath(String(data.get('id') ?? ''), String(data.get('topic') ?? '')))))
  }
  return (
    <>
      <p className="console-help">{t.help}</p>
      <form className="console-tools" role="search" onSubmit={ask}>
        <label className="console-wide">
          {t.id}
          <input name="id" required spellCheck={false} autoCapitalize="none" autoComplete="off" />
        </label>
        <label className="console-wide">
          {t.topic}
          <input name="topic" spellCheck={false} autoCapitalize="none" autoComplete="off" />
        </label>
        <button type="submit" className="quiet-button" disabled={busy}>{t.ask}</button>
      </form>
      {busy && <p role="status" className="console-empty">{strings.loading}</p>}
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      {found?.messages.map((m, i) => (
        <section key={`${m.topic} ${i}`} className="panel" aria-label={m.topic} data-testid="explained">
          <h2 className="console-heading console-inside console-code">{m.topic}</h2>
          <p className="console-help">{t.from(m.senderId === undefined || m.senderId === '' ? t.nobody : m.senderId, clock(m.at, now), m.qos)}</p>
          {m.recipients.length === 0 ? <p className="console-empty">{t.noRecipients}</p> : <Fates list={m.recipients} now={now} />}
        </section>
      ))}
    </>
  )
}

const good = new Set(['acknowledged', 'sent', 'queued'])

function Fates({ list, now }: { list: readonly Fate[]; now: number }) {
  return (
    <Table caption={t.caption} head={[t.user, t.client, t.state, t.why]} testid="fates">
      {list.map((f) => (
        <tr key={`${f.userId} ${f.clientId ?? ''}`} data-state={f.state}>
          <th scope="row">{f.userId === '' ? <i>{strings.clients.anonymous}</i> : f.userId}</th>
          <td>{f.clientId !== undefined && <a className="console-code" href={href('clients', f.clientId)}>{f.clientId}</a>}</td>
          <td><span className="console-state" data-good={good.has(f.state)}>{t.states[f.state] ?? f.state}</span></td>
          <td>{[f.why ?? '', f.offlineSince === undefined ? '' : t.offline(clock(f.offlineSince, now))].filter((x) => x !== '').join(', ')}</td>
        </tr>
      ))}
    </Table>
  )
}
