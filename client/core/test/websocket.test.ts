// The MQTT connection by itself: whether the other end is still there.
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Ended, Opening, Way } from '../src/transport.js'
import { openWebSocket } from '../src/websocket.js'

class FakeMqtt extends EventEmitter {
  readonly sendPing = vi.fn()
  readonly publish = vi.fn()
  readonly end = vi.fn()
}
const made: FakeMqtt[] = []
vi.mock('mqtt', () => ({
  default: {
    connect: () => {
      const client = new FakeMqtt()
      made.push(client)
      return client
    },
  },
}))

let way: Way
let client: FakeMqtt
const ended = vi.fn<(why: Ended) => void>()
beforeEach(async () => {
  vi.useFakeTimers()
  ended.mockClear()
  const opening = openWebSocket({ message: () => undefined, ended, signal: new AbortController().signal } as unknown as Opening)
  await vi.waitFor(() => expect(made.length).toBeGreaterThan(0))
  client = made.pop() as FakeMqtt
  client.emit('packetreceive', { cmd: 'connack', reasonCode: 0 })
  client.emit('connect', { sessionPresent: true })
  way = await opening
})
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left').toBe(0)
  vi.useRealTimers()
})

describe('check', () => {
  test('OK: any packet is a sign of life', async () => {
    way.check()
    way.check()
    expect(client.sendPing).toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    client.emit('packetreceive', { cmd: 'pingresp' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ended).not.toHaveBeenCalled()
  })

  test('ErrNetwork: without an answer the connection is lost, once, and nothing of it is heard any more', async () => {
    way.check()
    const sent = expect(way.publish({ topic: 't', payload: 'x', qos: 1 })).rejects.toThrow()
    await vi.advanceTimersByTimeAsync(5_000)
    await sent
    expect(ended).toHaveBeenCalledOnce()
    expect(ended.mock.calls[0]?.[0]).toMatchObject({ told: false, error: { code: 'network', reason: 'the broker does not answer' } })
    client.emit('close')
    way.check()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ended).toHaveBeenCalledOnce()
  })
})
