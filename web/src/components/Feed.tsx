import { formatAgo, formatScore } from '../format'
import type { FeedItem, FeedKind, LiveState } from '../state'
import { strings } from '../strings'

const t = strings.feed
const shown = 12

// Each picture is one path in a box of 20.
const pictures: Record<FeedKind, string> = {
  join: 'M10 4v12M4 10h12',
  leave: 'M4 10h12',
  session: 'M6 4l10 6-10 6z',
  lead: 'M4 12l6-6 6 6M4 17l6-6 6 6',
  award: 'M10 3l2.2 4.6 5 .6-3.7 3.5 1 5L10 14.2 5.5 16.7l1-5L2.8 8.2l5-.6z',
  notice: 'M10 4v8M10 15.5v.5',
  refusal: 'M5 5l10 10M15 5L5 15',
}

/** The last things that happened, newest first. */
export function Feed({ state: s, now }: { state: LiveState; now: number }) {
  return (
    <section className="panel feed" aria-labelledby="feed-title">
      <h2 id="feed-title" className="panel-title">{t.title}</h2>
      {s.feed.length === 0 && <p className="empty">{t.empty}</p>}
      <ol data-testid="feed">
        {s.feed.slice(0, shown).map((item) => (
          <li key={item.key} data-testid="feed-item" data-kind={item.kind} data-user={item.userId} data-event={item.event}>
            <svg viewBox="0 0 20 20" aria-hidden="true"><path d={pictures[item.kind]} /></svg>
            <span className="feed-text">{sentence(item, s)}</span>
            <time dateTime={new Date(item.at).toISOString()}>{formatAgo(now - item.at)}</time>
          </li>
        ))}
      </ol>
    </section>
  )
}

function sentence(item: FeedItem, s: LiveState): string {
  const name = item.name ?? s.names[item.userId ?? ''] ?? item.userId ?? ''
  switch (item.kind) {
    case 'join':
      return t.joined(name)
    case 'leave':
      return t.left(name)
    case 'lead':
      return strings.race.leadTaken(name)
    case 'award':
      return t.award(name, award(item))
    case 'notice':
      return item.text ?? ''
    case 'refusal':
      return t.refused(item.text ?? '')
    case 'session':
      return sessionSentence(item.event ?? '')
  }
}

function sessionSentence(event: string): string {
  const told: Record<string, string> = {
    'session-started': t.started,
    'session-paused': t.paused,
    'session-resumed': t.resumed,
    'session-ended': t.ended,
  }
  // An event of a newer broker: its own name says more than nothing.
  return told[event] ?? event.replaceAll('-', ' ')
}

function award(item: FeedItem): string {
  const a = item.award
  if (a === undefined) return ''
  const at = formatScore(a.threshold ?? a.value ?? 0, a.unit ?? 'count')
  return strings.awards[a.kind]?.(at) ?? a.kind
}
