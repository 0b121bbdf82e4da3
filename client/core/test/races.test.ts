// What comes by itself while an answer to a request is under way that does not know of it, or does.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConversationHandle } from '../src/chat.js'
import { Core } from '../src/core.js'
import { Credentials } from '../src/credentials.js'
import type { Http } from '../src/http.js'
import { Inbox } from '../src/inbox.js'
import { Receipts } from '../src/sent.js'
import { FakeWay } from './fake.js'

let core: Core
/** Requests that wait for their answer. */
let asked: { path: string; answer(body: unknown): void }[]
beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  const http = {
    request: (_: string, path: string) => new Promise((resolve) => asked.push({ path, answer: resolve })),
  } as unknown as Http
  core = new Core(new Credentials({ username: 'ana', password: 'x' }), http, () => undefined, () => undefined)
  core.way = new FakeWay('websocket')
})
afterEach(() => {
  for (const h of [...core.handles]) h.close()
  core.hub.clear()
  vi.useRealTimers()
})

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
async function answer(body: unknown): Promise<void> {
  await settle()
  asked.shift()?.answer(body)
  await settle()
}
const come = (topic: string, payload: unknown): void => core.hub.receive({ topic, payload: JSON.stringify(payload), qos: 1, retain: false })
const message = (seq: number) => ({ type: 'chat', messageId: `m${seq}`, senderId: 'ben', content: String(seq), seq, conversation: 'ana.ben', timestamp: 't' })

describe('ConversationHandle', () => {
  test('OK: a message that the history brings first is told when it comes by itself, and once', async () => {
    const c = new ConversationHandle(core, new Receipts(), '{with:ben}')
    const heard: number[] = []
    c.onMessage((m) => heard.push(m.seq))
    await answer({ items: [message(1), message(2)], head: 2 })
    expect(heard, 'history is no news').toEqual([])
    come('user/ana/chat/ana.ben', message(2))
    come('user/ana/chat/ana.ben', message(2))
    come('user/ana/chat/ana.ben', message(3))
    expect(heard).toEqual([2, 3])
    expect(c.state.get().messages.map((m) => m.seq)).toEqual([1, 2, 3])
  })

  test('OK: a gap is filled from the history, and told in order', async () => {
    const c = new ConversationHandle(core, new Receipts(), '{with:ben}')
    const heard: number[] = []
    c.onMessage((m) => heard.push(m.seq))
    await answer({ items: [message(1)], head: 1 })
    come('user/ana/chat/ana.ben', message(4))
    await settle()
    expect(asked[0]?.path).toContain('after=1')
    await answer({ items: [message(2), message(3), message(4)], head: 4 })
    expect(heard).toEqual([2, 3, 4])
  })
})

describe('Inbox', () => {
  const news = (messageId: string, read = false) => ({ messageId, content: messageId, senderId: 'tess', timestamp: 't', read })
  const ids = (inbox: Inbox): string[] => inbox.state.get().notifications.map((n) => n.messageId)

  test('OK: a notification that comes while the inbox is read is not lost', async () => {
    const inbox = new Inbox(core)
    await settle()
    come('user/ana/notification', news('new'))
    await answer({ items: [news('old')], unread: 1 })
    await answer({ items: [news('new'), news('old')], unread: 2 })
    expect(ids(inbox)).toEqual(['new', 'old'])
    expect(asked).toEqual([])
  })

  test('OK: what another device reads while the inbox is read is read here, too', async () => {
    const inbox = new Inbox(core)
    await settle()
    come('user/ana/unread', { conversations: {}, notifications: 0 })
    await answer({ items: [news('plan')], unread: 1 })
    await answer({ items: [news('plan', true)], unread: 0 })
    expect(inbox.state.get()).toMatchObject({ unread: 0, notifications: [{ read: true }] })
  })

  test('OK: where something comes all the time it is not read for ever', async () => {
    const inbox = new Inbox(core)
    for (let i = 0; i < 8; i++) {
      await settle()
      come('user/ana/notification', news(`n${i}`))
      await answer({ items: [news(`n${i}`)], unread: 1 })
    }
    expect(asked).toEqual([])
    expect(ids(inbox)).toContain('n7')
  })
})
