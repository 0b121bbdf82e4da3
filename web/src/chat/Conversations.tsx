import { newId, type Conversation } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState, type FormEvent } from 'react'
import { go, hrefOf } from '../route'
import { useMe, useUnread } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { learnNames, useKnown, useNames } from '../ui/names'
import { Avatar } from '../ui/parts'
import { PersonForm } from '../ui/PersonForm'
import { otherOf, titleOf } from './title'

const t = strings.chat

/** One's conversations, those with unread messages first, and ways to new ones. */
export function Conversations({ open }: { open: string | undefined }) {
  const me = useMe()
  const nameOf = useNames()
  const { conversations: unread } = useUnread()
  const { value, error, reload } = useAsked<List<Conversation>>('/conversations?limit=500')
  const news = Object.keys(unread).join(' ')
  useEffect(reload, [news, open, reload]) // one that just began is in the list, one that was left is not
  useEffect(() => learnNames((value?.items ?? []).flatMap((c) => c.people ?? [])), [value])
  const count = (c: Conversation): number => unread[c.conversationId] ?? 0
  const all = [...(value?.items ?? [])].sort((a, b) => Number(count(b) > 0) - Number(count(a) > 0) || (titleOf(a, me.userId, nameOf) < titleOf(b, me.userId, nameOf) ? -1 : 1))
  return (
    <div className="conversations">
      <h1>{t.title}</h1>
      <section className="panel list-panel" aria-label={t.list}>
        {value === undefined && error === undefined && <p className="empty" role="status">{strings.loading}</p>}
        {error !== undefined && value === undefined && <p className="empty">{error}</p>}
        {value !== undefined && all.length === 0 && <p className="empty">{t.none}</p>}
        <ul className="rows">
          {all.map((c) => {
            const title = titleOf(c, me.userId, nameOf)
            const other = otherOf(c.conversationId, me.userId)
            return (
              <li key={c.conversationId}>
                <a
                  className="row"
                  href={hrefOf('chat', [c.conversationId])}
                  aria-current={open === c.conversationId || (other !== undefined && open === other) ? 'true' : undefined}
                  data-testid="conversation-link"
                  data-conversation={c.conversationId}
                >
                  <Avatar userId={other ?? c.conversationId} name={title} />
                  <span className="row-main">
                    <strong>{title}</strong>
                    {other === undefined && <span className="muted">{t.membersOf(c.members.length)}</span>}
                  </span>
                  {count(c) > 0 && (
                    <span className="badge" data-testid="unread" data-count={count(c)}>
                      {count(c)}<span className="visually-hidden"> {strings.unread}</span>
                    </span>
                  )}
                </a>
              </li>
            )
          })}
        </ul>
      </section>
      <NewConversation />
    </div>
  )
}

function NewConversation() {
  const client = useFitmq()
  const tell = useTell()
  const known = useKnown()
  const nameOf = useNames()
  const [members, setMembers] = useState<readonly string[]>([])
  const group = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const id = newId().slice(0, 12)
    client.request('PUT', `/conversations/${id}`, { title: String(new FormData(event.currentTarget).get('title') ?? '').trim(), members }).then(
      () => {
        setMembers([])
        go(hrefOf('chat', [id]))
      },
      (error: unknown) => tell(wordsOf(error)),
    )
  }
  return (
    <details className="panel new-chat">
      <summary>{t.start}</summary>
      <PersonForm title={t.start} button={t.open} onPick={(id) => go(hrefOf('chat', ['with', id]))} />
      <section className="new-group" aria-label={t.group}>
        <h2>{t.group}</h2>
        <PersonForm title={t.add} button={t.addButton} without={members} onPick={(id) => setMembers((all) => (all.includes(id) ? all : [...all, id]))} />
        <ul className="chosen" aria-label={t.members}>
          {members.map((id) => (
            <li key={id}>
              {known.some((k) => k.userId === id) ? nameOf(id) : id}
              <button type="button" className="link-button" aria-label={t.removeWho(nameOf(id))} onClick={() => setMembers(members.filter((m) => m !== id))}>×</button>
            </li>
          ))}
        </ul>
        <form className="form" onSubmit={group} aria-label={t.group}>
          <label>{t.groupTitle}<input name="title" maxLength={200} required /></label>
          <button type="submit" className="button" disabled={members.length === 0}>{t.make}</button>
        </form>
      </section>
    </details>
  )
}
