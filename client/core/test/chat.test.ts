import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConversationHandle } from '../src/chat.js'
import { Core } from '../src/core.js'
import { Credentials } from '../src/credentials.js'
import { FitmqError } from '../src/errors.js'
import type { Message } from '../src/index.js'
import type { Http } from '../src/http.js'
import { Receipts } from '../src/sent.js'
import { FakeWay } from './fake.js'

const second = (s: number): string => new Date(1_800_000_000_000 + s * 1000).toISOString()
const message = (seq: number, at: number, more: Partial<Message> = {}): Message =>
  ({ type: 'chat', messageId: `m${seq}`, senderId: 'ben', content: 'Hi', seq, timestamp: second(at), conversation: 'ana.ben', ...more }) as Message

/** Ana's conversation with Ben; its history is answered when the test says so. */
class Rig {
  readonly way = new FakeWay('websocket')
  readonly core: Core
  readonly chat: ConversationHandle
  history: (items: Message[]) => Promise<void> = () => Promise.resolve()

  constructor() {
    const http = {
      request: () => new Promise((resolve) => {
        this.history = async (items) => {
          resolve({ items, head: items.at(-1)?.seq ?? 0 })
          await settle()
        }
      }),
    }
    this.core = new Core(new Credentials({ username: 'ana', password: 'x' }), http as unknown as Http, () => undefined, () => undefined)
    this.core.way = this.way
    this.chat = new ConversationHandle(this.core, new Receipts(), '{with:ben}')
  }

  hear(topic: string, payload: unknown, qos: 0 | 1): void {
    this.core.hub.receive({ topic, payload: JSON.stringify(payload), qos, retain: false })
  }

  types(at: number, typing = true): void {
    this.hear('chat/ana.ben/typing', { senderId: 'ben', typing, timestamp: second(at) }, 0)
  }

  says(m: Message): void {
    this.hear('user/ana/chat/ana.ben', m, 1)
  }

  get typing(): readonly string[] {
    return this.chat.state.get().typing
  }

  /** What Ana has told of her writing. */
  get told(): unknown[] {
    return this.way.published.filter((p) => p.topic === 'chat/ana.ben/typing').map((p) => (JSON.parse(p.payload) as { typing: boolean }).typing)
  }
}

let rig: Rig
beforeEach(async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  rig = new Rig()
  await settle()
})
afterEach(() => {
  rig.chat.close()
  rig.core.hub.clear()
  vi.useRealTimers()
})
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('ConversationHandle typing of the other one', () => {
  test('OK: counts for 5 s after the last sign, and ends at once when it is taken back', async () => {
    rig.types(10)
    expect(rig.typing).toEqual(['ben'])
    await vi.advanceTimersByTimeAsync(4_900)
    rig.types(15)
    await vi.advanceTimersByTimeAsync(4_900)
    expect(rig.typing).toEqual(['ben'])
    await vi.advanceTimersByTimeAsync(200)
    expect(rig.typing).toEqual([])
    rig.types(21)
    rig.types(22, false)
    expect(rig.typing).toEqual([])
  })

  test('OK: history that arrives meanwhile does not end it', async () => {
    rig.types(10)
    await rig.history([message(1, 3), message(2, 4)])
    expect(rig.chat.state.get()).toMatchObject({ loaded: true, typing: ['ben'] })
  })

  test('OK: a message from before they began does not end it, the one that they wrote does', async () => {
    await rig.history([])
    rig.types(10)
    rig.says(message(1, 9.9))
    expect(rig.typing).toEqual(['ben'])
    rig.says(message(2, 12))
    expect(rig.typing).toEqual([])
  })

  test('OK: one’s own signs, from another tab, are nobody else’s', () => {
    rig.hear('chat/ana.ben/typing', { senderId: 'ana', typing: true, timestamp: second(1) }, 0)
    expect(rig.typing).toEqual([])
  })
})

describe('ConversationHandle.loadEarlier', () => {
  const page = (from: number, to: number): Message[] => Array.from({ length: to - from + 1 }, (_, i) => message(from + i, from + i))
  const seqs = (): number[] => rig.chat.state.get().messages.map((m) => m.seq)

  test('OK: what is said after earlier pages were loaded lets go of the oldest, not of what was said last', async () => {
    await rig.history(page(551, 600))
    for (let from = 501; from > 51; from -= 50) {
      const found = rig.chat.loadEarlier()
      await settle()
      await rig.history(page(from, from + 49))
      expect(await found).toBe(true)
    }
    expect(seqs()).toHaveLength(500)
    rig.says(message(601, 601))
    rig.says(message(602, 602))
    expect(seqs()).toEqual(Array.from({ length: 500 }, (_, i) => 103 + i))
  })

  test('OK: more may be read back than is kept; the next message leaves the newest 500, and the rest can be loaded again', async () => {
    await rig.history(page(601, 650))
    const found = rig.chat.loadEarlier(600)
    await settle()
    await rig.history(page(1, 600))
    expect(await found).toBe(true)
    expect(seqs()).toHaveLength(650)
    rig.says(message(651, 651))
    expect(seqs()).toEqual(Array.from({ length: 500 }, (_, i) => 152 + i))
    const again = rig.chat.loadEarlier()
    await settle()
    await rig.history(page(102, 151))
    expect(await again).toBe(true)
    expect(seqs()[0]).toBe(102)
  })
})

describe('ConversationHandle.typing', () => {
  test('OK: told at the first key, then every 2 s, taken back once', async () => {
    rig.chat.typing(false)
    expect(rig.told).toEqual([])
    for (let i = 0; i < 25; i++) {
      rig.chat.typing()
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(rig.told).toEqual([true, true])
    rig.chat.typing(false)
    rig.chat.typing(false)
    expect(rig.told).toEqual([true, true, false])
  })

  test('OK: the key after one that did not get through tells again', async () => {
    rig.way.answer = () => Promise.reject(new FitmqError('network', 'cut'))
    rig.chat.typing()
    await settle()
    rig.way.answer = () => Promise.resolve()
    rig.chat.typing()
    expect(rig.told).toEqual([true, true])
  })

  test('OK: who leaves in the middle of a sentence does not write any more', () => {
    rig.chat.typing()
    rig.chat.close()
    expect(rig.told).toEqual([true, false])
  })
})
