import { useChat } from '@fitmq/react'

const ticks = { sending: '…', stored: '✓', delivered: '✓✓', read: '✓✓ read', failed: '!' }

export function Chat({ partner }: { partner: string }) {
  const { messages, typing, unread, send, setTyping, markRead } = useChat({ with: partner })
  const say = (form: FormData) => void send(String(form.get('text')))
  return (
    <section onFocus={() => markRead()}>
      <h1>{partner} {unread > 0 && <b>{unread} unread</b>}</h1>
      <ul>{messages.map((m) => <li key={m.messageId}>{m.senderId}: {m.content} {m.state && ticks[m.state]}</li>)}</ul>
      {typing.length > 0 && <p>{typing.join(', ')} is typing</p>}
      <form onSubmit={(e) => { e.preventDefault(); say(new FormData(e.currentTarget)); e.currentTarget.reset() }}>
        <input name="text" onChange={() => setTyping()} /> <button>Send</button>
      </form>
    </section>
  )
}
