import type { Achievement } from '@fitmq/client'
import { count, formatAgo, formatDuration, formatScore, join } from '../format'
import { strings } from '../strings'
import type { FeedItem, FeedKind } from './track'

const t = strings.feed
const shown = 12

// Each picture is one path in a box of 20.
const pictures: Record<FeedKind, string> = {
  join: 'M10 4v12M4 10h12',
  leave: 'M4 10h12',
  session: 'M6 4l10 6-10 6z',
  lead: 'M4 12l6-6 6 6M4 17l6-6 6 6',
  award: 'M10 3l2.2 4.6 5 .6-3.7 3.5 1 5L10 14.2 5.5 16.7l1-5L2.8 8.2l5-.6z',
  milestone: 'M5 17V4l10 3.5L5 11',
}

/** The last things that happened, newest first. */
export function Feed({ items, names, now }: { items: readonly FeedItem[]; names: Readonly<Record<string, string>>; now: number }) {
  return (
    <section className="panel feed" aria-labelledby="feed-title">
      <h2 id="feed-title" className="panel-title">{t.title}</h2>
      {items.length === 0 && <p className="empty">{t.empty}</p>}
      <ol data-testid="feed">
        {items.slice(0, shown).map((item) => (
          <li key={item.key} data-testid="feed-item" data-kind={item.kind} data-user={item.userId} data-event={item.event}>
            <svg viewBox="0 0 20 20" aria-hidden="true"><path d={pictures[item.kind]} /></svg>
            <span className="feed-text">{sentence(item, names)}</span>
            <time dateTime={new Date(item.at).toISOString()}>{formatAgo(now - item.at)}</time>
          </li>
        ))}
      </ol>
    </section>
  )
}

function sentence(item: FeedItem, names: Readonly<Record<string, string>>): string {
  const name = item.name ?? names[item.userId ?? ''] ?? item.userId ?? ''
  switch (item.kind) {
    case 'join':
      return t.joined(name)
    case 'leave':
      return t.left(name)
    case 'lead':
      return strings.race.leadTaken(name)
    case 'award':
      return item.award === undefined ? '' : t.award(name, awardWords(item.award))
    case 'milestone':
      return t.award(name, milestone(item))
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

/** What an award is for, in words. */
export function awardWords(a: Achievement): string {
  const at = formatScore(a.threshold ?? a.value ?? 0, a.unit ?? 'count')
  return a.title || (strings.awards[a.kind]?.(at) ?? a.kind)
}

function milestone(item: FeedItem): string {
  const m = item.milestone
  if (m === undefined) return ''
  if (m.milestone === 'heartRateZone') return t.zone(m.value)
  if (m.milestone !== 'personalBest') return t.reached(join(count(m.value, m.unit)))
  const best = strings.bests[m.best ?? ''] ?? m.best ?? ''
  return t.best(best, m.unit === 's' ? formatDuration(m.value) : formatScore(m.value, m.unit))
}
