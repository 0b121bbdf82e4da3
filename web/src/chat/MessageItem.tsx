import type { ChatItem } from '@fitmq/client'
import { formatClock } from '../format'
import { strings } from '../strings'
import type { Reach } from './reach'

const t = strings.chat

/** One tick for stored, two for delivered, two in colour for read; each has its word for screen readers. */
export function Ticks({ state }: { state: NonNullable<ChatItem['state']> }) {
  const path = { sending: 'M10 5v5l3 2M10 3a7 7 0 1 0 .1 0z', stored: 'M4 11l4 4 8-9', delivered: 'M1 11l4 4 7-9M9 14l1 1 8-9', read: 'M1 11l4 4 7-9M9 14l1 1 8-9', failed: 'M10 5v6M10 14v.5' }[state]
  return (
    <span className="ticks" data-testid="ticks" data-state={state} title={t.states[state]}>
      <svg viewBox="0 0 20 20" aria-hidden="true"><path d={path} /></svg>
      <span className="visually-hidden">{t.states[state]}</span>
    </span>
  )
}

interface Props {
  message: ChatItem
  /** How many of a group have it and have read it. */
  reach: Reach | undefined
  /** Why it was not sent. */
  failure: string | undefined
  /** Who wrote it, in a group. */
  name: string | undefined
  onEdit: () => void
  onDelete: () => void
  onRetry: () => void
}

export function MessageItem({ message: m, reach, failure, name, onEdit, onDelete, onRetry }: Props) {
  const gone = m.deletedAt !== undefined
  const editable = m.mine && !gone && m.seq > 0
  return (
    <li className="message" data-testid="message" data-mine={m.mine} data-message={m.messageId} data-seq={m.seq} data-state={m.state}>
      <div className="bubble" data-gone={gone}>
        {name !== undefined && <strong className="bubble-who">{name}</strong>}
        <span className="bubble-text">{gone ? t.deleted : m.content}</span>
        <span className="bubble-foot">
          {m.editedAt !== undefined && !gone && <span>{t.edited}</span>}
          <time dateTime={m.timestamp}>{formatClock(m.timestamp)}</time>
          {m.mine && m.state !== undefined && !gone && <Ticks state={m.state} />}
          {reach !== undefined && !gone && reach.of > 1 && <span data-testid="reach" data-read={reach.read} data-delivered={reach.delivered}>{t.reach(reach)}</span>}
        </span>
      </div>
      {editable && (
        <div className="message-actions" role="group" aria-label={t.actions}>
          <button type="button" className="link-button" onClick={onEdit}>{t.edit}</button>
          <button type="button" className="link-button" onClick={onDelete}>{t.delete}</button>
        </div>
      )}
      {m.state === 'failed' && (
        <p className="message-failed">
          {failure !== undefined && <span>{t.because(failure)}</span>}
          <button type="button" className="link-button" onClick={onRetry}>{t.retry}</button>
        </p>
      )}
    </li>
  )
}
