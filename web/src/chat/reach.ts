// How far a message has come, by what the conversation says of its members and what receipts tell since. Pure.
import type { ChatItem, ConversationMember, Receipt } from '@fitmq/client'

/** How many of the others have a message, and have read it. */
export interface Reach {
  readonly delivered: number
  readonly read: number
  /** How many others there were. */
  readonly of: number
}

/** What receipts have told: of groups the counts, by seq; of two how far the other one has come. */
export interface Told {
  readonly counts: readonly { readonly seq: number; readonly state: 'delivered' | 'read'; readonly count: number }[]
  readonly people: Readonly<Record<string, { readonly delivered: number; readonly read: number }>>
}

export const toldNothing: Told = { counts: [], people: {} }
/** Counts that are kept; the oldest go. */
const kept = 200

/** Takes a receipt in. */
export function withReceipt(t: Told, r: Receipt): Told {
  if (r.state === 'stored') return t
  if (r.count !== undefined) return { ...t, counts: [...t.counts, { seq: r.seq, state: r.state, count: r.count }].slice(-kept) }
  if (r.by === undefined) return t
  const before = t.people[r.by] ?? { delivered: 0, read: 0 }
  const delivered = Math.max(before.delivered, r.seq)
  return { ...t, people: { ...t.people, [r.by]: { delivered, read: r.state === 'read' ? Math.max(before.read, r.seq) : before.read } } }
}

/** How far my message of this seq has come. What holds for a later one holds for it, too. */
export function reachOf(seq: number, people: readonly ConversationMember[], told: Told, me: string): Reach {
  const others = people.filter((p) => p.userId !== me && p.from < seq)
  const came = (state: 'delivered' | 'read'): number => {
    const known = others.filter((p) => Math.max(p[state], told.people[p.userId]?.[state] ?? 0) >= seq).length
    const counted = told.counts.filter((c) => c.seq >= seq && (c.state === state || (state === 'delivered' && c.state === 'read'))).map((c) => c.count)
    return Math.min(others.length, Math.max(known, 0, ...counted))
  }
  return { delivered: came('delivered'), read: came('read'), of: others.length }
}

/** The tick for it: all have it, all have read it; never less than what the client knows. */
export function tickOf(state: NonNullable<ChatItem['state']>, reach: Reach): NonNullable<ChatItem['state']> {
  if (state === 'sending' || state === 'failed' || state === 'read' || reach.of === 0) return state
  if (reach.read === reach.of) return 'read'
  return reach.delivered === reach.of ? 'delivered' : state
}
