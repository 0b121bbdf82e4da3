// What of a trace is shown, and how it is written down: pure, so that it can be tested.
import { code } from './format'
import { strings } from './strings'
import type { TraceEvent } from './types'

const t = strings.trace

/** Whether a topic filter matches a topic, as MQTT says; $ topics aside. */
export function matches(filter: string, topic: string): boolean {
  const f = filter.replace(/^\$share\/[^/]+\//, '').split('/')
  const levels = topic.split('/')
  for (const [i, level] of f.entries()) {
    if (level === '#') return true
    if (i >= levels.length || (level !== '+' && level !== levels[i])) return false
  }
  return f.length === levels.length
}

/** Whether an event's topic is one that was asked for: by a filter with wildcards, or by a part of it. */
export function topicFits(asked: string, topic: string | undefined): boolean {
  if (asked === '') return true
  if (topic === undefined) return false
  return /[+#]/.test(asked) ? matches(asked, topic) : topic.includes(asked)
}

/** Whose packet identifier an event carries: of what the client has published, or of what it was sent. */
function owner(e: TraceEvent): string | undefined {
  if (e.packetId === undefined) return undefined
  const answer = e.packet === 'PUBACK' || e.packet === 'PUBREC' || e.packet === 'PUBCOMP'
  const from = answer ? (e.direction === 'in' ? 'out' : 'in') : e.direction
  return `${from} ${e.packetId}`
}

/** What is shown: the direction that was asked for ('' for both), the topic, and what answers a message of that topic. */
export function chosen(list: readonly TraceEvent[], direction: string, topic: string): TraceEvent[] {
  const asked = topic.trim()
  const answered = new Set<string>()
  const fit: TraceEvent[] = []
  for (const e of list) {
    const id = owner(e)
    const message = e.packet === 'PUBLISH'
    const its = topicFits(asked, e.topic)
    if (message && id !== undefined) {
      if (its) answered.add(id)
      else answered.delete(id) // the identifier is another message's now
    }
    const ends = e.packet === 'CONNECT' || e.packet === 'CLOSED' || e.packet === 'DISCONNECT'
    const follows = e.topic === undefined && id !== undefined && answered.has(id)
    if ((its || follows || ends) && (direction === '' || e.direction === direction)) fit.push(e)
  }
  return fit
}

/** What else is to be said of an event. */
export function detailOf(e: TraceEvent): string {
  const message = ['PUBLISH', 'EVENT', 'QUEUED', 'DROPPED'].includes(e.packet)
  return [
    message || e.packet === 'SUBSCRIBE' ? strings.charts.qos(e.qos) : '',
    message ? t.bytes(e.size ?? 0) : '',
    e.retain === true ? t.retain : '',
    e.dup === true ? t.dup : '',
    e.packetId === undefined ? '' : t.id(e.packetId),
    e.code === undefined ? '' : code(e.code),
    e.reason ?? '',
  ].filter((part) => part !== '').join(', ')
}

/** The events as lines for people, the oldest first. */
export function asText(list: readonly TraceEvent[]): string {
  return list.map((e) => `${e.time} ${e.direction === 'in' ? '->' : '<-'} ${[e.packet, e.topic ?? '', detailOf(e)].filter((part) => part !== '').join(' ')}\n`).join('')
}

/** Hands a text to the browser as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000) // the browser may still be reading it
}
