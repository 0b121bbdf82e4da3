import { afterEach, describe, expect, test, vi } from 'vitest'
import { firstWait, jitter, lastWait, Pause } from '../src/wait.js'

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('jitter', () => {
  test('OK: any share of a bound that doubles and ends, none of them certain', () => {
    for (const attempt of [0, 1, 2, 5, 6, 30, 1_000, 1e9]) {
      const bound = Math.min(lastWait, firstWait * 2 ** Math.min(attempt, 30))
      const waits = Array.from({ length: 2_000 }, () => jitter(attempt))
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...waits)).toBeLessThan(bound)
      // Even shares: each quarter of the bound has about a quarter of them.
      for (const quarter of [0, 1, 2, 3]) {
        const n = waits.filter((w) => Math.floor((w / bound) * 4) === quarter).length
        expect(n, `attempt ${attempt}, quarter ${quarter}`).toBeGreaterThan(350)
      }
    }
  })
})

describe('Pause', () => {
  test('OK: ends in its time, or sooner when woken; a wake without a pause is nothing', async () => {
    vi.useFakeTimers()
    const pause = new Pause()
    pause.wake()
    const done = vi.fn()
    void pause.wait(1_000).then(done)
    await vi.advanceTimersByTimeAsync(999)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalledOnce()
    void pause.wait(1_000).then(done)
    pause.wake()
    await vi.advanceTimersByTimeAsync(0)
    expect(done).toHaveBeenCalledTimes(2)
    expect(vi.getTimerCount()).toBe(0)
  })
})
