import type { Notification } from '@fitmq/client'
import { useNotifications } from '@fitmq/react'
import { formatAgo } from '../format'
import { hrefOf } from '../route'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useNow, useTitle } from '../ui/hooks'
import { placeOf } from './place'

const t = strings.inbox

/** One's notifications, newest first. */
export function Inbox() {
  const { notifications, unread, loaded, markRead, remove } = useNotifications()
  const now = useNow(10_000)
  const tell = useTell()
  useTitle(t.title)
  const failed = (error: unknown): void => tell(wordsOf(error))
  return (
    <>
      <div className="heading">
        <h1>{t.title}</h1>
        <div className="actions">
          <button type="button" className="quiet-button" disabled={unread === 0} onClick={() => void markRead().catch(failed)}>{t.allRead}</button>
          <a className="quiet-button" href={hrefOf('inbox', ['preferences'])}>{t.preferences}</a>
        </div>
      </div>
      <section className="panel list-panel narrow" aria-label={t.list}>
        {!loaded && notifications.length === 0 && <p className="empty" role="status">{strings.loading}</p>}
        {loaded && notifications.length === 0 && <p className="empty">{t.none}</p>}
        <ul className="rows" aria-live="polite">
          {notifications.map((n) => (
            <Item
              key={n.messageId}
              notification={n}
              now={now}
              onRead={() => void markRead(n.messageId).catch(failed)}
              onRemove={() => void remove(n.messageId).catch(failed)}
            />
          ))}
        </ul>
      </section>
    </>
  )
}

function Item({ notification: n, now, onRead, onRemove }: { notification: Notification; now: number; onRead: () => void; onRemove: () => void }) {
  const unread = n.read !== true
  const place = placeOf(n)
  const kinds: Readonly<Record<string, string>> = t.kindNames
  return (
    <li className="row notification" data-testid="notification" data-unread={unread} data-kind={n.kind} data-message={n.messageId}>
      <span className="unread-dot" aria-hidden="true" />
      <div className="row-main">
        <span className="notification-head">
          {unread && <span className="visually-hidden">{t.new}: </span>}
          <span className="eyebrow">{kinds[n.kind ?? 'general'] ?? n.kind}</span>
          {n.priority === 'urgent' && <span className="severity">{t.urgent}</span>}
          <time className="fine" dateTime={n.timestamp}>{formatAgo(now - Date.parse(n.timestamp))}</time>
        </span>
        {place === undefined ? <span className="notification-text">{n.content}</span> : <a className="notification-text" href={place} onClick={onRead}>{n.content}</a>}
        <div className="actions">
          {unread && <button type="button" className="link-button" onClick={onRead}>{t.markRead}</button>}
          <button type="button" className="link-button" onClick={onRemove}>{t.remove}</button>
        </div>
      </div>
    </li>
  )
}
