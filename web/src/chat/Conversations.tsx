import { newId, type Conversation } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState, type FormEvent } from 'react'
import { go, hrefOf } from '../route'
import { useMe, useUnread } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { isId } from '../ticket'
import { useAsked, type List } from '../ui/asked'
import { learnNames, useNames } from '../ui/names'
import { Avatar } from '../ui/parts'
import { otherOf, titleOf } from './title'

const t = strings.chat

/** One's conversations, those with unread messages first, and ways to new ones. */
export function Conversations({ open }: { open: string | undefined }) {
  const me = useMe()
  const nameOf = useNames()
  const { conversations: unread } = useUnread()
  const { value, error, reload } = useAsked<List<Conversation>>('/conversations?limit=500')
  const news = Object.keys(unread).join(' ')
  useEffect(reload, [news, reload]) // one that just began is in the list
  useEffect(() => value?.items.forEach((c) => learnNames(c.people ?? [])), [value])
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
  const [wrong, setWrong] = useState(false)
  const direct = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const user = String(new FormData(event.currentTarget).get('user') ?? '').trim()
    setWrong(!isId(user))
    if (isId(user)) go(hrefOf('chat', ['with', user]))
  }
  const group = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const id = newId().slice(0, 12)
    const members = String(data.get('members') ?? '').split(/[\s,]+/).filter((m) => m !== '')
    client.request('PUT', `/conversations/${id}`, { title: String(data.get('title') ?? '').trim(), members }).then(
      () => go(hrefOf('chat', [id])),
      (error: unknown) => tell(wordsOf(error)),
    )
  }
  return (
    <details className="panel new-chat">
      <summary>{t.start}</summary>
      <form className="form" onSubmit={direct} aria-label={t.start}>
        <label>{t.user}<input name="user" autoCapitalize="none" spellCheck={false} required aria-invalid={wrong} /></label>
        <p className="problem" role="alert" hidden={!wrong}>{strings.signIn.badId}</p>
        <button type="submit" className="button">{t.open}</button>
      </form>
      <form className="form" onSubmit={group} aria-label={t.group}>
        <h2>{t.group}</h2>
        <label>{t.groupTitle}<input name="title" maxLength={200} required /></label>
        <label>{t.members}<input name="members" autoCapitalize="none" spellCheck={false} placeholder={t.membersHint} required /></label>
        <button type="submit" className="button">{t.make}</button>
      </form>
    </details>
  )
}
