import type { Message } from '@fitmq/client'
import type { UseWorkoutSession } from '@fitmq/react'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { formatClock } from '../format'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useNames } from '../ui/names'

const t = strings.session
/** How many messages from before one came are shown. */
const before = 50

/** Messages by their seq, each once: what was there before, and what comes. */
export function merged(history: readonly Message[], live: readonly Message[]): Message[] {
  const all = new Map<number, Message>()
  for (const m of [...history, ...live]) {
    const known = all.get(m.seq)
    if (m.kind === 'delete') all.delete(m.seq)
    else if (m.kind === 'edit') known && all.set(m.seq, { ...known, content: m.content ?? '' })
    else all.set(m.seq, m)
  }
  return [...all.values()].filter((m) => m.deletedAt === undefined).sort((a, b) => a.seq - b.seq)
}

/** What is said in the session. */
export function SessionChat({ room, names, me }: { room: UseWorkoutSession; names: Readonly<Record<string, string>>; me: string }) {
  const [history, setHistory] = useState<readonly Message[]>([])
  const tell = useTell()
  const nameOf = useNames() // of who spoke and is not here any more, where they were met elsewhere
  const list = useRef<HTMLDivElement>(null)
  const { session, joined } = room
  useEffect(() => {
    if (session === undefined || joined !== 'joined') return
    session.history({ limit: before }).then((h) => setHistory(h.items), () => undefined) // what comes is told all the same
  }, [session, joined])
  const messages = merged(history, room.messages)
  useEffect(() => {
    const box = list.current
    if (box !== null) box.scrollTop = box.scrollHeight
  }, [messages.length])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = event.currentTarget
    const content = String(new FormData(form).get('content') ?? '').trim()
    if (content === '') return
    form.reset()
    room.sendChat(content).stored.catch((error: unknown) => tell(wordsOf(error)))
  }
  return (
    <section className="panel session-chat" aria-labelledby="session-chat-title">
      <h2 id="session-chat-title" className="panel-title">{t.chat}</h2>
      {messages.length === 0 && <p className="empty">{t.chatEmpty}</p>}
      <div className="said" ref={list} role="log" aria-label={t.chat} tabIndex={messages.length > 0 ? 0 : -1}>
        {messages.length > 0 && (
          <ol>
            {messages.map((m) => (
              <li key={m.seq} data-testid="session-message" data-mine={m.senderId === me}>
                <span className="said-who">
                  <strong>{m.senderId === me ? strings.roles.you : (names[m.senderId] ?? nameOf(m.senderId))}</strong>
                  <time dateTime={m.timestamp}>{formatClock(m.timestamp)}</time>
                </span>
                <span className="said-text">{m.content}</span>
              </li>
            ))}
          </ol>
        )}
      </div>
      <form className="say" onSubmit={submit}>
        <input name="content" aria-label={t.say} placeholder={t.say} maxLength={4000} autoComplete="off" />
        <button type="submit" className="button">{t.send}</button>
      </form>
    </section>
  )
}
