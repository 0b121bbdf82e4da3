import { useState } from 'react'
import { href, Pager, Sure, Table, usePages, Waiting } from './parts'
import { useAct, usePoll } from './poll'
import { strings } from './strings'
import type { Gate, Member, Page, Session } from './types'

const t = strings.sessions

/** Live workouts and trainings, and who is in the one that is open. */
export function Sessions({ gate, open }: { gate: Gate; open: string | undefined }) {
  const pages = usePages()
  const list = usePoll<Page<Session>>(gate, `/sessions?limit=25&after=${encodeURIComponent(pages.after)}`, 5_000)
  return (
    <>
      {open !== undefined && <Members gate={gate} id={open} onChange={list.reload} />}
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        {list.value?.items.length === 0 && <p className="console-empty">{t.empty}</p>}
        {list.value !== undefined && list.value.items.length > 0 && (
          <Table caption={t.caption} head={[t.title, t.kind, t.state, t.host, t.trainer]} testid="sessions">
            {list.value.items.map((s) => (
              <tr key={s.sessionId}>
                <th scope="row"><a href={href('sessions', s.sessionId)} aria-label={t.open(s.title)}>{s.title}</a> <small className="console-code">{s.sessionId}</small></th>
                <td>{s.kind}</td>
                <td><span className="console-state" data-good={s.state === 'live'}>{s.state}</span></td>
                <td>{s.hostName ?? s.host}</td>
                <td>{s.trainer === undefined ? strings.none : s.trainer === s.host ? (s.hostName ?? s.trainer) : s.trainer}</td>
              </tr>
            ))}
          </Table>
        )}
        <Pager pages={pages} next={list.value?.next} />
      </section>
    </>
  )
}

function Members({ gate, id, onChange }: { gate: Gate; id: string; onChange: () => void }) {
  const pages = usePages()
  const path = `/sessions/${encodeURIComponent(id)}`
  const session = usePoll<Session>(gate, path, 5_000)
  const [said, setSaid] = useState('')
  const { busy, error, act } = useAct()
  const title = session.value?.title ?? id
  const end = (): void => act(() => gate.request('POST', `${path}/control`, { action: 'end' }), () => {
    setSaid(t.ended)
    session.reload()
    onChange()
  })
  const remove = (): void => act(() => gate.request('DELETE', path), () => {
    onChange()
    location.hash = href('sessions')
  })
  const list = usePoll<Page<Member>>(gate, `${path}/members?limit=50&after=${encodeURIComponent(pages.after)}`, 3_000)
  return (
    <section className="panel" aria-label={t.open(title)} data-testid="members">
      <div className="console-row console-inside">
        <h2 className="console-heading">{t.open(title)}</h2>
        <Sure label={t.end} question={t.sureEnd(title)} disabled={busy || session.value === undefined || session.value.state === 'ended'} onYes={end} />
        <Sure label={t.remove} question={t.sureRemove(title)} disabled={busy} onYes={remove} />
        <a href={href('sessions')}>{strings.boards.close}</a>
      </div>
      <p role="status" className="console-said console-inside" data-testid="session-said">{said}</p>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      <Waiting of={list} />
      {list.value?.items.length === 0 && <p className="console-empty">{t.noMembers}</p>}
      {list.value !== undefined && list.value.items.length > 0 && (
        <Table caption={t.open(title)} head={[t.member, t.role, t.present]}>
          {list.value.items.map((m) => (
            <tr key={m.userId}>
              <th scope="row">{m.name} <small className="console-code">{m.userId}</small></th>
              <td>{m.role}</td>
              <td><span className="console-state" data-good={m.present}>{m.present ? strings.yes : strings.no}</span></td>
            </tr>
          ))}
        </Table>
      )}
      <Pager pages={pages} next={list.value?.next} />
    </section>
  )
}
