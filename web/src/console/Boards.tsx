import { useEffect, useRef, useState } from 'react'
import { ago, clock, count } from './format'
import { Held, href, Pager, Sure, Table, useClock, usePages, useTyped, Waiting } from './parts'
import { useAct, usePoll } from './poll'
import { useSteady } from './steady'
import { strings } from './strings'
import type { Board, BoardInfo, Challenge, Gate, Page, Rebuilt } from './types'

const t = strings.boards

/** How often boards change, in changes a minute, from two answers and the time between them in ms. */
export function ratesOf(before: ReadonlyMap<string, number>, now: readonly Pick<BoardInfo, 'challengeId' | 'revision'>[], ms: number): Map<string, number> {
  const rates = new Map<string, number>()
  for (const b of now) {
    const old = before.get(b.challengeId)
    if (old !== undefined && ms > 0) rates.set(b.challengeId, Math.max(0, ((b.revision - old) * 60_000) / ms))
  }
  return rates
}

/** The rates since the first answer, at most a minute ago. */
function useRates(list: readonly BoardInfo[] | undefined): ReadonlyMap<string, number> {
  const seen = useRef<{ at: number; revisions: Map<string, number> }[]>([])
  const [rates, setRates] = useState<ReadonlyMap<string, number>>(new Map())
  useEffect(() => {
    if (list === undefined) return
    const at = Date.now()
    const recent = seen.current.filter((s) => s.at > at - 60_000)
    const first = recent[0]
    if (first !== undefined) setRates(ratesOf(first.revisions, list, at - first.at))
    seen.current = [...recent, { at, revisions: new Map(list.map((b) => [b.challengeId, b.revision])) }]
  }, [list])
  return rates
}

/** The boards, the largest first, and the one that is open. */
export function Boards({ gate, open }: { gate: Gate; open: string | undefined }) {
  const [search, setSearch] = useState('')
  const [order, setOrder] = useState('size')
  const typed = useTyped(search).trim()
  const list = usePoll<Page<BoardInfo>>(gate, `/boards?${new URLSearchParams({ limit: '50', order, ...(typed === '' ? {} : { search: typed }) }).toString()}`, 4_000)
  const rows = useSteady(list.value?.items, (b) => b.challengeId, `${order} ${typed}`)
  const rates = useRates(list.value?.items)
  const now = useClock()
  return (
    <>
      {open !== undefined && <BoardOf gate={gate} id={open} onChange={list.reload} />}
      <form className="console-tools" role="search" onSubmit={(e) => e.preventDefault()}>
        <label className="console-wide">
          {t.search}
          <input type="search" value={search} maxLength={100} spellCheck={false} autoCapitalize="none" onChange={(e) => setSearch(e.target.value)} />
        </label>
        <label>
          {strings.clients.sort}
          <select value={order} onChange={(e) => setOrder(e.target.value)}>
            {Object.entries(t.orders).map(([word, name]) => <option key={word} value={word}>{name}</option>)}
          </select>
        </label>
      </form>
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        <Held list={rows} />
        {list.value?.items.length === 0 && <p className="console-empty">{typed === '' ? t.empty : strings.refusals.noMatch}</p>}
        {rows.rows.length > 0 && (
          <Table caption={t.caption} head={[t.title, t.state, t.participants, t.ranked, t.activities, t.rate, t.updated, t.ends]} testid="boards" holding={rows.holding}>
            {rows.rows.map(({ item: b, gone }) => {
              const rate = rates.get(b.challengeId)
              return (
                <tr key={b.challengeId} data-gone={gone} data-testid="board-row" data-challenge={b.challengeId}>
                  <th scope="row"><a href={href('boards', b.challengeId)} aria-label={t.open(b.title)}>{b.title}</a> <small className="console-code">{b.challengeId}</small></th>
                  <td><span className="console-state" data-good={b.state === 'active'}>{b.state}</span></td>
                  <td className="console-number">{count(b.participants)}</td>
                  <td className="console-number">{count(b.ranked)}</td>
                  <td className="console-number">{count(b.activities)}{b.flagged > 0 && <small> {t.flagged(count(b.flagged))}</small>}{b.pending > 0 && <small> {t.pending(count(b.pending))}</small>}</td>
                  <td className="console-number">{rate === undefined ? strings.none : count(rate)}</td>
                  <td className="console-nowrap">{ago(b.updatedAt, now)}</td>
                  <td className="console-nowrap">{clock(b.endsAt, now)}</td>
                </tr>
              )
            })}
          </Table>
        )}
      </section>
    </>
  )
}

function BoardOf({ gate, id, onChange }: { gate: Gate; id: string; onChange: () => void }) {
  const path = `/challenges/${encodeURIComponent(id)}`
  const pages = usePages()
  const challenge = usePoll<Challenge>(gate, path, 10_000)
  const board = usePoll<Board>(gate, `${path}/leaderboard?limit=25${pages.after === '' ? '' : `&after=${encodeURIComponent(pages.after)}`}`, 2_000)
  const [rebuilt, setRebuilt] = useState<Rebuilt>()
  const { busy, error, act } = useAct()
  const b = board.value
  const title = challenge.value?.title ?? id
  const rebuild = (): void => act(async () => setRebuilt(await gate.request<Rebuilt>('POST', `${path}/rebuild`, {})), board.reload)
  const remove = (): void => act(() => gate.request('DELETE', path), () => {
    onChange()
    location.hash = href('boards')
  })
  return (
    <section className="panel" aria-label={t.open(title)} data-testid="board">
      <div className="console-row console-inside">
        <h2 className="console-heading">{title}</h2>
        <Sure label={t.rebuild} question={t.sureRebuild} disabled={busy} onYes={rebuild} />
        <Sure label={t.remove} question={t.sureRemove(title)} disabled={busy} onYes={remove} />
        <a href={href('boards')}>{t.close}</a>
      </div>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      {rebuilt !== undefined && <Comparison of={rebuilt} />}
      <Waiting of={board} />
      {b !== undefined && <p className="console-help">{t.revision(b.revision, b.total)}</p>}
      {b?.entries.length === 0 && <p className="console-empty">{t.noEntries}</p>}
      {b !== undefined && b.entries.length > 0 && (
        <Table caption={t.open(title)} head={[t.rank, t.name, t.score]}>
          {b.entries.map((e) => (
            <tr key={e.userId}>
              <td className="console-number">{e.rank}</td>
              <th scope="row">{e.name} <small className="console-code">{e.userId}</small></th>
              <td className="console-number">{count(e.score)} {b.unit}</td>
            </tr>
          ))}
        </Table>
      )}
      <Pager pages={pages} next={b?.next} />
    </section>
  )
}

/** How the rebuilt board compares to the one that was at work. */
export function Comparison({ of: r }: { of: Rebuilt }) {
  return (
    <div data-testid="rebuilt" data-identical={r.identical}>
      <p role="status" className={r.identical ? 'console-said console-inside' : 'console-problem'}>{r.identical ? t.identical(count(r.ranked), count(r.periods)) : t.differs((r.differences ?? []).length)}</p>
      <p className="console-help">{t.digest} <span className="console-code">{r.digest}</span></p>
      {(r.differences ?? []).length > 0 && (
        <Table caption={t.differences} head={[t.part, t.present, t.rebuilt]}>
          {(r.differences ?? []).map((d) => (
            <tr key={d.part}>
              <th scope="row">{d.part}</th>
              <td className="console-code console-wrap"><del>{d.present}</del></td>
              <td className="console-code console-wrap"><ins>{d.rebuilt}</ins></td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  )
}
