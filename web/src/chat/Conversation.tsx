import type { ChatItem, Conversation as Info } from '@fitmq/client'
import { useChat } from '@fitmq/react'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { hrefOf } from '../route'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked } from '../ui/asked'
import { learnNames, useNames } from '../ui/names'
import { Avatar } from '../ui/parts'
import { Composer } from './Composer'
import { Group } from './Group'
import { MessageItem } from './MessageItem'
import { reachOf, tickOf, toldNothing, withReceipt, type Told } from './reach'
import { distinct, otherOf, titleOf } from './title'

const t = strings.chat
/** This near to the end, in px, one reads along: new messages scroll into view. */
const nearEnd = 80

/** A conversation: its messages, who writes, and a place to write. */
export function Conversation({ which }: { which: string | { with: string } }) {
  const chat = useChat(which)
  const me = useMe()
  const nameOf = useNames()
  const tell = useTell()
  const id = chat.conversation?.id ?? ''
  const other = typeof which === 'string' ? otherOf(which, me.userId) : which.with
  const { value: info, reload } = useAsked<Info>(id === '' ? undefined : `/conversations/${id}`)
  const people = info?.people ?? []
  useEffect(() => learnNames(people), [info])
  const told = useReceipts(chat.conversation)
  const [failures, setFailures] = useState<Readonly<Record<string, string>>>({})
  const [showGroup, setShowGroup] = useState(false)
  const title = other === undefined ? titleOf(info ?? { conversationId: id }, me.userId, nameOf) : nameOf(other)
  const [editing, setEditing] = useState<ChatItem>()
  const messages = distinct(chat.messages)
  const list = useAlong(messages)
  useMarkRead(chat.markRead, messages)

  const failed = (error: unknown): void => tell(wordsOf(error))
  const post = (message: string | { content: string; messageId: string }): void => {
    const sent = chat.send(message)
    sent.stored.catch((error: unknown) => setFailures((all) => ({ ...all, [sent.messageId]: wordsOf(error) })))
  }
  const send = (content: string): void => {
    if (editing !== undefined) {
      chat.conversation?.edit(editing.messageId, content).stored.catch(failed)
      return setEditing(undefined)
    }
    post(content)
    chat.setTyping(false)
  }
  return (
    <section className="panel conversation" aria-labelledby="conversation-title" data-testid="conversation" data-conversation={id}>
      <header className="conversation-head">
        <a className="icon-button chat-back" href={hrefOf('chat')} aria-label={t.back}>
          <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M15 5l-7 7 7 7" /></svg>
        </a>
        <Avatar userId={other ?? id} name={title} />
        <div className="conversation-who">
          <h2 id="conversation-title">{title}</h2>
          {other === undefined && info !== undefined && <span className="fine">{info.members.map(nameOf).join(', ')}</span>}
        </div>
        {other === undefined && info !== undefined && (
          <button type="button" className="quiet-button" aria-expanded={showGroup} onClick={() => setShowGroup(!showGroup)}>{t.groupButton}</button>
        )}
      </header>
      {showGroup && info !== undefined && <Group info={info} onChange={reload} />}
      <div className="messages" ref={list} tabIndex={0} role="log" aria-label={t.log}>
        <Earlier chat={chat} />
        {chat.loaded && messages.length === 0 && <p className="empty">{t.empty}</p>}
        <ol>
          {messages.map((m) => (
            <MessageItem
              key={m.messageId}
              message={m.mine && m.state !== undefined && m.seq > 0 ? { ...m, state: tickOf(m.state, reachOf(m.seq, people, told, me.userId)) } : m}
              reach={other === undefined && m.mine && m.seq > 0 ? reachOf(m.seq, people, told, me.userId) : undefined}
              failure={failures[m.messageId]}
              name={other === undefined && !m.mine ? nameOf(m.senderId) : undefined}
              onEdit={() => setEditing(m)}
              onDelete={() => chat.conversation?.delete(m.messageId).stored.catch(failed)}
              onRetry={() => post({ content: m.content ?? '', messageId: m.messageId })}
            />
          ))}
        </ol>
      </div>
      <p className="typing" role="status" data-testid="typing">
        {chat.typing.length === 0 ? '' : (chat.typing.length === 1 ? t.typing : t.typingMany)(chat.typing.map(nameOf).join(', '))}
      </p>
      <Composer key={editing?.messageId ?? ''} editing={editing?.content} onSend={send} onTyping={chat.setTyping} onCancel={() => setEditing(undefined)} />
    </section>
  )
}

/** What receipts tell of one's messages here. */
function useReceipts(conversation: ReturnType<typeof useChat>['conversation']): Told {
  const [told, setTold] = useState(toldNothing)
  useEffect(() => conversation?.onReceipt((r) => setTold((t) => withReceipt(t, r))), [conversation])
  return told
}

/** Keeps the newest message in view for who reads along, and the place of who reads what was before. */
function useAlong(messages: readonly { messageId: string }[]) {
  const box = useRef<HTMLDivElement>(null)
  const state = useRef({ along: true, height: 0, first: '' })
  useEffect(() => {
    const el = box.current
    if (el === null) return
    const onScroll = (): void => {
      state.current.along = el.scrollHeight - el.scrollTop - el.clientHeight < nearEnd
    }
    el.addEventListener('scroll', onScroll, { passive: true })
    return () => el.removeEventListener('scroll', onScroll)
  }, [])
  useLayoutEffect(() => {
    const el = box.current
    if (el === null) return
    const first = messages[0]?.messageId ?? ''
    if (state.current.along) el.scrollTop = el.scrollHeight
    else if (first !== state.current.first) el.scrollTop += el.scrollHeight - state.current.height
    state.current = { ...state.current, height: el.scrollHeight, first }
  }, [messages])
  return box
}

/** Says that what is on the screen was read, once the page is looked at. */
function useMarkRead(markRead: (messageId?: string) => Promise<void>, messages: readonly ChatItem[]): void {
  const newest = messages.filter((m) => !m.mine && m.seq > 0).at(-1)?.messageId
  useEffect(() => {
    if (newest === undefined) return
    const mark = (): void => {
      if (document.visibilityState === 'visible') markRead(newest).catch(() => undefined) // onError tells
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [newest, markRead])
}

/** Loads what was before when one scrolls up to it; the button does the same without scrolling. */
function Earlier({ chat }: { chat: ReturnType<typeof useChat> }) {
  const [busy, setBusy] = useState(false)
  const tell = useTell()
  const button = useRef<HTMLButtonElement>(null)
  const [end, setEnd] = useState(false)
  const first = chat.messages.find((m) => m.seq > 0)
  const more = chat.loaded && first !== undefined && first.seq > 1 && !end
  const load = (): void => {
    if (busy) return
    setBusy(true)
    // A member of a group does not see what was said before they came: then there is nothing, whatever the seq says.
    chat.loadEarlier().then((found) => setEnd(!found), (error: unknown) => tell(wordsOf(error))).finally(() => setBusy(false))
  }
  const latest = useRef(load)
  latest.current = load
  useEffect(() => {
    const el = button.current
    const box = el?.closest('.messages')
    if (el === null || box === null || box === undefined) return
    const seen = new IntersectionObserver((entries) => {
      // Only for who has scrolled here: a short history is not loaded to its end at once.
      if (entries.some((e) => e.isIntersecting) && box.scrollHeight - box.scrollTop - box.clientHeight > nearEnd) latest.current()
    }, { root: box, rootMargin: '120px 0px 0px' })
    seen.observe(el)
    return () => seen.disconnect()
  }, [more, first?.seq])
  if (!more) return null
  return <button ref={button} type="button" className="quiet-button earlier" aria-busy={busy} onClick={load}>{busy ? strings.loading : t.earlier}</button>
}
