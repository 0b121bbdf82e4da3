// @vitest-environment happy-dom
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { connect, type FitmqError } from '../src/index.js'
import { openStorage } from '../src/storage.js'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A browser whose IndexedDB answers late, or never. */
function lateDb(): { answer(): void; closed: ReturnType<typeof vi.fn> } {
  const closed = vi.fn()
  const opening: Record<string, unknown> = { result: { close: closed } }
  vi.stubGlobal('indexedDB', { open: () => opening })
  return { answer: () => (opening['onsuccess'] as () => void)(), closed }
}

describe('openStorage', () => {
  test('ErrStorage: an IndexedDB that does not answer is not waited for, and closed if it does in the end', async () => {
    vi.useFakeTimers()
    const db = lateDb()
    const told = expect(openStorage('x')).rejects.toThrow('does not answer')
    await vi.advanceTimersByTimeAsync(3_100)
    await told
    db.answer()
    expect(db.closed).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('connect without a storage', () => {
  const without: [string, () => unknown][] = [
    ['there is none', () => undefined],
    ['it may not be used', () => ({ open: () => { throw new DOMException('denied', 'SecurityError') } })],
    ['it cannot be opened', () => ({
      open: () => {
        const opening: Record<string, unknown> = { error: new DOMException('internal', 'UnknownError') }
        queueMicrotask(() => (opening['onerror'] as () => void)())
        return opening
      },
    })],
  ]
  for (const [what, db] of without) {
    test(`OK: ${what}: one error says so, and messages wait in memory`, async () => {
      vi.stubGlobal('indexedDB', db())
      const errors: FitmqError[] = []
      const fit = connect({ url: 'http://127.0.0.1:9', username: 'ana', password: 'x', transports: [] })
      fit.onError((e) => errors.push(e))
      for (const content of ['1', '2']) fit.sendMessage({ recipientId: 'ben', content })
      await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'storage' }]))
      expect(fit.status.waiting).toBe(2)
      expect(errors).toHaveLength(1)
      await fit.close()
    })
  }

  test('OK: who asks for memory is told nothing, and with IndexedDB there is nothing to tell', async () => {
    for (const storage of ['memory', 'indexeddb'] as const) {
      vi.stubGlobal('indexedDB', storage === 'memory' ? undefined : new IDBFactory())
      const fit = connect({ url: 'http://127.0.0.1:9', username: 'ana', password: 'x', transports: [], storage })
      const errors: FitmqError[] = []
      fit.onError((e) => errors.push(e))
      const sent = fit.sendMessage({ recipientId: 'ben', content: '1' })
      await new Promise((resolve) => setTimeout(resolve, 20)) // IndexedDB's own time
      expect(errors).toEqual([])
      await fit.close()
      await expect(sent).rejects.toMatchObject({ code: 'closed' })
    }
  })
})
