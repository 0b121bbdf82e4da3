// What a conversation is called. Pure.

/** The other one of a conversation of two; undefined for a group. */
export function otherOf(conversation: string, me: string): string | undefined {
  const at = conversation.indexOf('.')
  if (at < 0) return undefined
  const pair = [conversation.slice(0, at), conversation.slice(at + 1)]
  return pair.find((id) => id !== me) ?? me
}

/** The conversation's title, or whom it is with. */
export function titleOf(c: { conversationId: string; title?: string }, me: string, nameOf: (id: string) => string): string {
  const other = otherOf(c.conversationId, me)
  return other === undefined ? c.title || c.conversationId : nameOf(other)
}

/** Messages by their id, each once: one that failed and was sent again is the newer of the two. */
export function distinct<M extends { messageId: string }>(messages: readonly M[]): M[] {
  return [...new Map(messages.map((m) => [m.messageId, m])).values()]
}
