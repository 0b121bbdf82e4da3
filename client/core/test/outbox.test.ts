import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FitmqError } from '../src/errors.js'
import { maxWaiting, Outbox } from '../src/outbox.js'
import { openStorage } from '../src/storage.js'
import { FakeWay } from './fake.js'

const cut = (): Promise<void> => Promise.reject(new FitmqError('network', 'cut'))
const open = new Set<Outbox>()
let waiting = 0
let failed: FitmqError[] = []

async function outbox(owner = 'tab1', kept = true): Promise<Outbox> {
  const o = new Outbox({ expand: (t) => t, waiting: (n) => (waiting = n), failed: (e) => failed.push(e), log: () => undefined })
  open.add(o)
  await o.restore(kept ? await openStorage('test') : undefined, owner)
  return o
}

/** The contents of what a way was given. */
const sent = (way: FakeWay): string[] => way.published.map((m) => m.payload)
const until = (what: () => boolean): Promise<void> => vi.waitFor(() => expect(what()).toBe(true), { timeout: 5_000, interval: 5 })

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
  failed = []
})
afterEach(() => {
  for (const o of open) o.close()
  open.clear()
  vi.useRealTimers()
})

describe('Outbox', () => {
  test('OK: what is sent offline goes out in its order, and again what a cut connection did not confirm', async () => {
    const o = await outbox()
    const all = ['1', '2', '3'].map((p) => o.send('chat/a.b/message', p))
    expect(waiting).toBe(3)
    const first = new FakeWay('websocket')
    let n = 0
    first.answer = () => (++n < 2 ? Promise.resolve() : cut())
    o.attach(first)
    await until(() => sent(first).length === 2)
    o.detach()
    const second = new FakeWay('sse')
    o.attach(second)
    await Promise.all(all)
    expect(sent(first)).toEqual(['1', '2'])
    expect(sent(second)).toEqual(['2', '3'])
    expect(waiting).toBe(0)
  })

  test('OK: topics do not wait for each other', async () => {
    const o = await outbox()
    const way = new FakeWay('websocket')
    way.answer = (m) => (m.topic === 'slow' ? new Promise(() => undefined) : Promise.resolve())
    o.attach(way)
    void o.send('slow', '1').catch(() => undefined)
    await o.send('fast', '2')
    expect(sent(way)).toEqual(['1', '2'])
  })

  test('OK: survives a reload, before what the new page sends', async () => {
    const old = new Outbox({ expand: (t) => t, waiting: () => undefined, failed: () => undefined, log: () => undefined })
    const lost = [old.send('t', '1')] // before the storage is open
    await old.restore(await openStorage('test'), 'tab1')
    lost.push(old.send('t', '2'))
    for (const l of lost) l.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 20)) // IndexedDB's own time
    old.close()
    const o = await outbox()
    const newer = o.send('t', '3')
    const way = new FakeWay('websocket')
    o.attach(way)
    await newer
    expect(sent(way)).toEqual(['1', '2', '3'])
    const storage = await openStorage('test')
    await vi.waitFor(async () => expect(await storage.all()).toEqual([]))
    storage.close()
    o.close()
    const after = await outbox()
    const empty = new FakeWay('websocket')
    after.attach(empty)
    await after.send('t', '4')
    expect(sent(empty)).toEqual(['4'])
  })

  test('OK: what a closed tab has left is sent by another one, what a living tab has is not', async () => {
    const held = new Set(['fitmq:client:alive'])
    vi.stubGlobal('navigator', {
      locks: {
        request: (name: string, _: unknown, fn: (lock: unknown) => unknown) => Promise.resolve(fn(held.has(name) ? null : {})),
      },
    })
    const storage = await openStorage('test')
    await storage.add({ owner: 'gone', topic: 't', payload: 'left behind', at: Date.now() })
    await storage.add({ owner: 'alive', topic: 't', payload: 'not ours', at: Date.now() })
    const o = await outbox('mine')
    const way = new FakeWay('websocket')
    o.attach(way)
    await until(() => way.published.length > 0)
    await until(() => waiting === 0)
    expect(sent(way)).toEqual(['left behind'])
    await vi.waitFor(async () => expect((await storage.all()).map((e) => e.owner)).toEqual(['alive']))
    storage.close()
    vi.unstubAllGlobals()
  })

  test('OK: without storage it works until the page goes', async () => {
    const o = await outbox('tab1', false)
    const way = new FakeWay('websocket')
    const done = o.send('t', '1')
    o.attach(way)
    await done
    expect(sent(way)).toEqual(['1'])
  })

  test('OK: what waited is sent again when the broker says too fast, in its order', async () => {
    const o = await outbox('tab1', false)
    vi.useFakeTimers()
    const done = [o.send('t', '1'), o.send('t', '2')]
    const way = new FakeWay('websocket')
    let n = 0
    way.answer = () => (++n === 1 ? Promise.reject(new FitmqError('rate', 'too often', { retryAfter: 1 })) : Promise.resolve())
    o.attach(way)
    await vi.advanceTimersByTimeAsync(999)
    expect(sent(way)).toEqual(['1'])
    await vi.advanceTimersByTimeAsync(1)
    await Promise.all(done)
    expect(sent(way)).toEqual(['1', '1', '2'])
  })

  test('OK: what is sent behind messages that have waited is tried again too', async () => {
    const o = await outbox('tab1', false)
    vi.useFakeTimers()
    const first = o.send('t', '1')
    const way = new FakeWay('websocket')
    let n = 0
    way.answer = () => (++n === 2 ? Promise.reject(new FitmqError('rate', 'too often', { retryAfter: 1 })) : Promise.resolve())
    o.attach(way)
    const second = o.send('t', '2') // the network is back, and the first one is still on its way
    await vi.advanceTimersByTimeAsync(2_000)
    await Promise.all([first, second])
    expect(sent(way)).toEqual(['1', '2', '2'])
  })

  test('ErrRate: what is sent while connected hears of it', async () => {
    const o = await outbox('tab1', false)
    const way = new FakeWay('websocket')
    way.answer = () => Promise.reject(new FitmqError('rate', 'too often', { retryAfter: 1 }))
    o.attach(way)
    await expect(o.send('t', '1')).rejects.toMatchObject({ code: 'rate', retryAfter: 1 })
    expect(waiting).toBe(0)
  })

  test('ErrForbidden: a refusal is final, and the next one goes on', async () => {
    const o = await outbox()
    const way = new FakeWay('websocket')
    way.answer = (m) => (m.payload === 'bad' ? Promise.reject(new FitmqError('forbidden', 'no right')) : Promise.resolve())
    o.attach(way)
    const [bad, good] = [o.send('t', 'bad'), o.send('t', 'good')]
    await expect(bad).rejects.toMatchObject({ code: 'forbidden' })
    await good
  })

  test('ErrExpired: what is worth nothing any more is not sent', async () => {
    const o = await outbox('tab1', false)
    vi.useFakeTimers()
    const late = o.send('form', 'deeper', 30)
    const told = expect(late).rejects.toMatchObject({ code: 'expired' })
    await vi.advanceTimersByTimeAsync(31_000)
    const way = new FakeWay('websocket')
    o.attach(way)
    await told
    expect(sent(way)).toEqual([])
  })

  test('ErrOutboxFull: a bound on what waits, and what waits stays', async () => {
    const o = await outbox('tab1', false)
    const all = Array.from({ length: maxWaiting }, (_, i) => o.send('t', String(i)))
    await expect(o.send('t', 'one more')).rejects.toMatchObject({ code: 'outbox-full' })
    await expect(o.send('t', 'x'.repeat(3 * 1024 * 1024))).rejects.toMatchObject({ code: 'outbox-full' })
    const way = new FakeWay('websocket')
    o.attach(way)
    await Promise.all(all)
    expect(sent(way)).toEqual(all.map((_, i) => String(i)))
    await o.send('t', 'there is room again')
  })

  test('OK: after another tab took its client id what it keeps goes along, and nobody takes it over', async () => {
    const o = await outbox('mine')
    const waits = o.send('t', '1')
    const storage = await openStorage('test')
    await vi.waitFor(async () => expect((await storage.all()).map((e) => e.owner)).toEqual(['mine']))
    await o.own('mine-again')
    await o.own('mine-again')
    expect((await storage.all()).map((e) => e.owner)).toEqual(['mine-again'])
    const way = new FakeWay('websocket')
    o.attach(way)
    await waits
    await vi.waitFor(async () => expect(await storage.all()).toEqual([]))
    storage.close()
  })
})
