import { clock, count } from './format'
import { href, Pager, Table, useClock, usePages, Waiting } from './parts'
import { usePoll } from './poll'
import { strings } from './strings'
import type { Board, Challenge, Gate, Page } from './types'

const t = strings.boards

/** The challenges, and the board of the one that is open. */
export function Boards({ gate, open }: { gate: Gate; open: string | undefined }) {
  const pages = usePages()
  const list = usePoll<Page<Challenge>>(gate, `/challenges?limit=25&after=${encodeURIComponent(pages.after)}`, 5_000)
  const now = useClock()
  return (
    <>
      {open !== undefined && <BoardOf gate={gate} id={open} />}
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        {list.value?.items.length === 0 && <p className="console-empty">{t.empty}</p>}
        {list.value !== undefined && list.value.items.length > 0 && (
          <Table caption={t.caption} head={[t.title, t.state, t.metric, t.organizer, t.ends]} testid="boards">
            {list.value.items.map((c) => (
              <tr key={c.challengeId}>
                <th scope="row"><a href={href('boards', c.challengeId)} aria-label={t.open(c.title)}>{c.title}</a> <small className="console-code">{c.challengeId}</small></th>
                <td><span className="console-state" data-good={c.state === 'active'}>{c.state}</span></td>
                <td>{c.metric}</td>
                <td>{c.organizer}</td>
                <td>{clock(c.endsAt, now)}</td>
              </tr>
            ))}
          </Table>
        )}
        <Pager pages={pages} next={list.value?.next} />
      </section>
    </>
  )
}

function BoardOf({ gate, id }: { gate: Gate; id: string }) {
  const path = `/challenges/${encodeURIComponent(id)}`
  const challenge = usePoll<Challenge>(gate, path, 10_000)
  const board = usePoll<Board>(gate, `${path}/leaderboard?limit=25`, 2_000)
  const b = board.value
  const title = challenge.value?.title ?? id
  return (
    <section className="panel" aria-label={t.open(title)} data-testid="board">
      <div className="console-row console-inside">
        <h2 className="console-heading">{title}</h2>
        <a href={href('boards')}>{t.close}</a>
      </div>
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
    </section>
  )
}
