import type { Conversation } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import type { FormEvent } from 'react'
import { go, hrefOf } from '../route'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { Confirm } from '../ui/Confirm'
import { useNames } from '../ui/names'
import { Avatar } from '../ui/parts'
import { PersonForm } from '../ui/PersonForm'

const t = strings.chat

/** A group's members, and what may be done: all of it by its owner, leaving by everybody. */
export function Group({ info, onChange }: { info: Conversation; onChange: () => void }) {
  const client = useFitmq()
  const me = useMe()
  const tell = useTell()
  const nameOf = useNames()
  const mine = info.owner === me.userId
  const path = `/conversations/${info.conversationId}`
  const done = (asked: Promise<unknown>, then: () => void): void => {
    asked.then(then, (error: unknown) => tell(wordsOf(error)))
  }
  const put = (change: { title?: string; members?: readonly string[] }): void =>
    done(client.request('PUT', path, { title: info.title ?? info.conversationId, members: info.members, ...change }), onChange)
  const rename = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    put({ title: String(new FormData(event.currentTarget).get('title') ?? '').trim() })
  }
  const away = (): void => go(hrefOf('chat'))
  return (
    <div className="group" data-testid="group">
      {mine && (
        <form key={info.title} className="person-form" onSubmit={rename} aria-label={t.rename}>
          <label>{t.groupTitle}<input name="title" defaultValue={info.title} maxLength={200} required /></label>
          <button type="submit" className="button">{t.rename}</button>
        </form>
      )}
      <ul className="rows" aria-label={t.members}>
        {info.members.map((id) => (
          <li key={id} className="row" data-testid="group-member" data-user={id}>
            <Avatar userId={id} name={nameOf(id)} size="small" />
            <span className="row-main">
              <strong>{nameOf(id)}</strong>
              {(id === info.owner || id === me.userId) && <span className="muted">{[id === me.userId && strings.roles.you, id === info.owner && t.owner].filter(Boolean).join(' · ')}</span>}
            </span>
            {id !== me.userId && <a className="quiet-button" href={hrefOf('chat', ['with', id])} aria-label={t.writeTo(nameOf(id))}>{t.write}</a>}
            {mine && id !== me.userId && (
              <Confirm label={t.remove} name={t.removeWho(nameOf(id))} question={`${t.removeWho(nameOf(id))}?`} onYes={() => done(client.request('DELETE', `${path}/members/${id}`), onChange)} />
            )}
          </li>
        ))}
      </ul>
      {mine && <PersonForm title={t.add} button={t.addButton} without={info.members} onPick={(id) => put({ members: [...info.members, id] })} />}
      <div className="actions group-end">
        {mine
          ? <Confirm label={t.deleteGroup} question={t.deleteAsk} onYes={() => done(client.request('DELETE', path), away)} />
          : <Confirm label={t.leave} question={t.leaveAsk} onYes={() => done(client.request('DELETE', `${path}/members/${me.userId}`), away)} />}
        {!mine && <p className="fine">{t.ownerOnly(nameOf(info.owner ?? ''))}</p>}
      </div>
    </div>
  )
}
