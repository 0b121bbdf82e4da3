// @vitest-environment happy-dom
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gym, type Broker } from '../../test/broker.js'
import { FitmqConnection, useConnection, useFitmq } from '../src/index.js'
import { render, until } from './render.js'

let broker: Broker
beforeAll(async () => {
  broker = await gym()
})
afterAll(() => broker.stop())

const options = (user: string) => ({ url: broker.url, username: user, password: `${user}-secret`, storage: 'memory' as const })

/** How many connections the broker has from browsers now. */
async function connections(): Promise<number> {
  const text = await (await fetch(`${broker.url}/metrics`)).text()
  return Number(/^fitmq_connections(?:\{[^}]*ws[^}]*\})? (\d+)/m.exec(text)?.[1] ?? NaN)
}

describe('useConnection', () => {
  test('OK: says how it stands, and leaves no connection behind', async () => {
    const Show = () => {
      const { state, transport, userId } = useConnection()
      return `${useFitmq().userId} ${userId} ${state} ${transport}`
    }
    const page = await render(<FitmqConnection options={options('ana')}><Show /></FitmqConnection>)
    await until(() => page.text() === 'ana ana connected websocket')
    expect(await connections()).toBe(1)
    await page.unmount()
    expect(page.text()).toBe('')
    await expect.poll(connections).toBe(0)
  })

  test('ErrNoProvider', async () => {
    const Show = () => useConnection().state
    await expect(render(<Show />)).rejects.toThrow('useFitmq needs a FitmqProvider')
  })
})
