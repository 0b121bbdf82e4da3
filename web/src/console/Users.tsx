import { useState, type FormEvent } from 'react'
import { clock } from './format'
import { Pager, Sure, Table, useClock, usePages, useTyped, Waiting } from './parts'
import { useAct, usePoll } from './poll'
import { strings } from './strings'
import type { Gate, Page, User } from './types'

const t = strings.users

/** The list's address: what is searched, and where in it. */
export function usersPath(search: string, after: string): string {
  return `/users?${new URLSearchParams(Object.entries({ search, after, limit: '25' }).filter(([, v]) => v !== '')).toString()}`
}

/** Who has an account: their role, and whether they may sign in. */
export function Users({ gate }: { gate: Gate }) {
  const [search, setSearch] = useState('')
  const typed = useTyped(search).trim()
  const pages = usePages()
  const list = usePoll<Page<User>>(gate, usersPath(typed, pages.after), 10_000)
  const [open, setOpen] = useState<string>()
  const [said, setSaid] = useState('')
  const now = useClock()
  const items = list.value?.items
  const { busy, error, act } = useAct()
  const remove = (id: string): void => act(() => gate.request('DELETE', `/users/${encodeURIComponent(id)}`), () => {
    setSaid(t.deleted(id))
    list.reload()
  })
  return (
    <>
      <form className="console-tools" role="search" onSubmit={(e) => e.preventDefault()}>
        <label className="console-wide">
          {t.find}
          <input type="search" value={search} maxLength={100} spellCheck={false} autoCapitalize="none" autoComplete="off" data-testid="search" onChange={(e) => {
            pages.first()
            setOpen(undefined)
            setSearch(e.target.value)
          }} />
        </label>
      </form>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
      <p role="status" className="console-said" data-testid="user-said">{said}</p>
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        {items?.length === 0 && <p className="console-empty">{list.value?.next === undefined ? t.notFound : t.noneHere}</p>}
        {items !== undefined && items.length > 0 && (
          <Table caption={t.caption} head={[t.id, t.name, t.role, t.state, t.since, t.change]} testid="users">
            {items.map((u) => (
              <tr key={u.id} data-testid="user-row" data-user={u.id} data-role={u.role} data-disabled={u.disabled === true}>
                <th scope="row" className="console-code">{u.id}</th>
                {open === u.id ? (
                  <td colSpan={5}>
                    <Change gate={gate} user={u} onDone={(changed) => {
                      setOpen(undefined)
                      if (!changed) return
                      setSaid(t.saved(u.id))
                      list.reload()
                    }} />
                  </td>
                ) : (
                  <>
                    <td>{u.name}</td>
                    <td>{u.role}</td>
                    <td><span className="console-state" data-good={u.disabled !== true}>{u.disabled === true ? t.disabled : t.active}</span></td>
                    <td>{clock(u.createdAt, now)}</td>
                    <td>
                      <button type="button" className="quiet-button" aria-label={t.changeOf(u.id)} onClick={() => {
                        setSaid('')
                        setOpen(u.id)
                      }}>
                        {t.change}
                      </button>
                      {' '}
                      <Sure label={t.remove} name={t.removeOf(u.id)} question={t.sureRemove(u.id)} disabled={busy} onYes={() => remove(u.id)} />
                    </td>
                  </>
                )}
              </tr>
            ))}
          </Table>
        )}
        <Pager pages={pages} next={list.value?.next} />
      </section>
    </>
  )
}

function Change({ gate, user, onDone }: { gate: Gate; user: User; onDone: (changed: boolean) => void }) {
  const [role, setRole] = useState(user.role)
  const [disabled, setDisabled] = useState(user.disabled === true)
  const { busy, error, act } = useAct()
  const save = (event: FormEvent): void => {
    event.preventDefault()
    // Without a password the user keeps the one there is.
    act(() => gate.request('PUT', `/users/${encodeURIComponent(user.id)}`, { name: user.name, role, disabled }), () => onDone(true))
  }
  return (
    <form className="console-change" onSubmit={save}>
      <label>
        {t.role}
        <select value={role} autoFocus onChange={(e) => setRole(e.target.value)}>
          {t.roles.map((r) => <option key={r}>{r}</option>)}
        </select>
      </label>
      <label className="console-check">
        <input type="checkbox" checked={disabled} onChange={(e) => setDisabled(e.target.checked)} />
        {t.disable}
      </label>
      <div className="console-row">
        <button type="submit" className="quiet-button" disabled={busy}>{strings.save}</button>
        <button type="button" className="quiet-button" onClick={() => onDone(false)}>{strings.cancel}</button>
      </div>
      {error !== undefined && <p role="alert" className="console-problem">{error}</p>}
    </form>
  )
}
