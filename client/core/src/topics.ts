import { patterns, type TopicKind } from './generated.js'

/** What a topic is: its kind, and the ids in it in their order. */
export interface ParsedTopic {
  kind: TopicKind
  ids: string[]
}

const rows = new Map(
  patterns.split(' ').map((pattern) => {
    const levels = pattern.replace('!', '').split('/')
    const words = levels.filter((level) => level !== '{}')
    const kind = words.map((w, i) => (i === 0 ? w : w.charAt(0).toUpperCase() + w.slice(1))).join('') as TopicKind
    return [kind, { levels, state: pattern.endsWith('!') }]
  }),
)

/** The kind of a topic, or undefined when it is none of the fitness topics. */
export function parseTopic(topic: string): ParsedTopic | undefined {
  const levels = topic.split('/')
  for (const [kind, row] of rows) {
    if (row.levels.length !== levels.length) continue
    if (row.levels.every((level, i) => level === '{}' || level === levels[i])) {
      return { kind, ids: levels.filter((_, i) => row.levels[i] === '{}') }
    }
  }
  return undefined
}

/** The topic of a kind with these ids. */
export function topicOf(kind: TopicKind, ...ids: string[]): string {
  let i = 0
  return (rows.get(kind)?.levels ?? []).map((level) => (level === '{}' ? (ids[i++] ?? '') : level)).join('/')
}

/** Whether only the newest value of such topics matters. */
export const isState = (kind: TopicKind): boolean => rows.get(kind)?.state === true

/** Whether the filter matches the topic, by the rules of MQTT. */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true
  const f = filter.split('/')
  const t = topic.split('/')
  if (topic.startsWith('$') && (f[0] === '#' || f[0] === '+')) return false
  for (let i = 0; i < f.length; i++) {
    if (f[i] === '#') return true
    if (i >= t.length || (f[i] !== '+' && f[i] !== t[i])) return false
  }
  return f.length === t.length
}
