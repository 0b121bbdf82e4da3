import { useNotifications } from '@fitmq/react'

export function Notifications() {
  const { notifications, unread, markRead, remove } = useNotifications()
  return (
    <section>
      <h1>News {unread > 0 && <b>{unread}</b>} <button onClick={() => markRead()}>All read</button></h1>
      <ul>{notifications.map((n) => (
        <li key={n.messageId} aria-current={!n.read}>{n.content} <button onClick={() => remove(n.messageId)}>Remove</button></li>
      ))}</ul>
    </section>
  )
}
