import { useEffect, useRef, useState } from 'react'
import { clock, code } from './format'
import { Held, href, Table, useClock, Waiting } from './parts'
import { usePoll } from './poll'
import { useSteady } from './steady'
import { strings } from './strings'
import type { Gate, Page, Refusal } from './types'

const t = strings.refusals

/** Whether a refusal has the words somewhere. */
export function fits(r: Refusal, words: string): boolean {
  const all = `${r.userId ?? ''} ${r.clientId ?? ''} ${r.action} ${r.target ?? ''} ${r.remote ?? ''} ${r.reason} ${code(r.code)}`.toLowerCase()
  return words.toLowerCase().split(/\s+/).every((w) => all.includes(w))
}

/** How many are newer than the newest that was known; the list has the newest first. */
export function freshIn(list: readonly Refusal[], newest: string | undefined): number {
  if (newest === undefined) return 0
  const i = list.findIndex((r) => r.time <= newest)
  return i < 0 ? list.length : i
}

/** What was refused to whom, and why, as it happens. */
export function Refusals({ gate }: { gate: Gate }) {
  const list = usePoll<Page<Refusal>>(gate, '/refusals?limit=1000', 2_000)
  const [held, setHeld] = useState<readonly Refusal[]>()
  const [words, setWords] = useState('')
  const [action, setAction] = useState('')
  const now = useClock()
  const news = useNews(list.value?.items)
  const all = held ?? list.value?.items
  const shown = all?.filter((r) => fits(r, words) && (action === '' || r.action === action))
  const rows = useSteady(shown, (r) => `${r.time} ${r.userId ?? ''} ${r.clientId ?? ''} ${r.action} ${r.target ?? ''}`, `${action} ${words}`)
  return (
    <>
      <form className="console-tools" role="search" onSubmit={(e) => e.preventDefault()}>
        <label className="console-wide">
          {t.filter}
          <input type="search" value={words} spellCheck={false} autoCapitalize="none" onChange={(e) => setWords(e.target.value)} />
        </label>
        <label>
          {t.kind}
          <select value={action} data-testid="refusal-kind" onChange={(e) => setAction(e.target.value)}>
            {Object.entries(t.kinds).map(([v, name]) => <option key={v} value={v}>{name}</option>)}
          </select>
        </label>
        <button type="button" className="quiet-button" aria-pressed={held !== undefined} onClick={() => setHeld(held === undefined ? (list.value?.items ?? []) : undefined)}>
          {held === undefined ? t.pause : t.resume}
        </button>
      </form>
      <p className="console-help">{t.help}</p>
      <p className="visually-hidden" role="status">{news > 0 && held === undefined ? t.fresh(news) : ''}</p>
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        <Held list={rows} />
        {shown?.length === 0 && <p className="console-empty">{all?.length === 0 ? t.empty : t.noMatch}</p>}
        {rows.rows.length > 0 && (
          <Table caption={t.caption} head={[t.time, t.who, t.what, t.from, t.code, t.reason]} testid="refusals" holding={rows.holding}>
            {rows.rows.map(({ item: r }, i) => (
              <tr key={`${r.time} ${i}`} data-testid="refusal" data-user={r.userId ?? ''} data-action={r.action}>
                <td className="console-code">{clock(r.time, now)}</td>
                <th scope="row">
                  {r.userId === undefined || r.userId === '' ? <i>{strings.clients.anonymous}</i> : r.userId}
                  {r.clientId !== undefined && r.clientId !== '' && <small> <a href={href('clients', r.clientId)}>{r.clientId}</a></small>}
                </th>
                <td>{t.actions[r.action] ?? r.action} <span className="console-code">{r.target}</span></td>
                <td className="console-code">{r.remote ?? strings.none}</td>
                <td className="console-code">{code(r.code)}</td>
                <td>{r.reason}</td>
              </tr>
            ))}
          </Table>
        )}
      </section>
    </>
  )
}

/** How many came with the last answer. */
function useNews(list: readonly Refusal[] | undefined): number {
  const [n, setN] = useState(0)
  const newest = useRef<string>(undefined)
  useEffect(() => {
    if (list === undefined) return
    setN(freshIn(list, newest.current))
    newest.current = list[0]?.time ?? newest.current ?? ''
  }, [list])
  return n
}
