import { useState } from 'react'
import { ago, clock, count, protocol } from './format'
import { Held, href, Pager, Table, useClock, usePages, useTyped, Waiting } from './parts'
import { usePoll } from './poll'
import { useSteady } from './steady'
import { strings } from './strings'
import type { ClientInfo, Gate, Page } from './types'

const t = strings.clients
const perPage = 25

/** The list's address: what is searched, and where in it. */
export function clientsPath(query: { search: string; connected: string; sort: string; after: string }): string {
  const all = { ...query, search: query.search.trim(), limit: String(perPage) }
  return `/clients?${new URLSearchParams(Object.entries(all).filter(([, v]) => v !== '')).toString()}`
}

/** Everybody with a session, connected or not. */
export function Clients({ gate }: { gate: Gate }) {
  const [search, setSearch] = useState('')
  const [connected, setConnected] = useState('')
  const [sort, setSort] = useState('id')
  const pages = usePages()
  const typed = useTyped(search)
  const path = clientsPath({ search: typed, connected, sort, after: pages.after })
  const list = usePoll<Page<ClientInfo>>(gate, path, 3_000)
  const rows = useSteady(list.value?.items, (c) => c.clientId, path)
  const now = useClock()
  const again = <T,>(set: (v: T) => void) => (v: T): void => {
    pages.first()
    set(v)
  }
  return (
    <>
      <form className="console-tools" role="search" onSubmit={(e) => e.preventDefault()}>
        <label className="console-wide">
          {t.search}
          <input type="search" value={search} maxLength={100} spellCheck={false} autoCapitalize="none" data-testid="search" onChange={(e) => again(setSearch)(e.target.value)} />
        </label>
        <label>
          {t.show}
          <select value={connected} onChange={(e) => again(setConnected)(e.target.value)}>
            {['', 'true', 'false'].map((v) => <option key={v} value={v}>{t.states[v]}</option>)}
          </select>
        </label>
        <label>
          {t.sort}
          <select value={sort} onChange={(e) => again(setSort)(e.target.value)}>
            {Object.entries(t.sorts).map(([v, name]) => <option key={v} value={v}>{name}</option>)}
          </select>
        </label>
      </form>
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        <Held list={rows} />
        {list.value?.items.length === 0 && <p className="console-empty">{t.empty}</p>}
        {rows.rows.length > 0 && (
          <Table caption={t.caption} head={[t.id, t.user, t.state, t.how, t.address, t.since, t.waiting]} testid="clients" holding={rows.holding}>
            {rows.rows.map(({ item: c, gone }) => (
              <tr key={c.clientId} data-testid="client-row" data-client={c.clientId} data-gone={gone}>
                <th scope="row"><a href={href('clients', c.clientId)}>{c.clientId}</a></th>
                <td>{c.userId === '' ? <i>{t.anonymous}</i> : c.userId}</td>
                <td><span className="console-state" data-good={c.connected}>{c.connected ? t.connected : t.away}</span></td>
                <td>{protocol(c.via, c.version)}</td>
                <td className="console-code">{c.remote ?? strings.none}</td>
                <td title={clock(c.since, now)}>{ago(c.since, now)}</td>
                <td className="console-number">{count(c.inflight + c.waiting)}{c.behind && <small> {t.behind}</small>}</td>
              </tr>
            ))}
          </Table>
        )}
        <Pager pages={pages} next={list.value?.next} />
      </section>
    </>
  )
}
