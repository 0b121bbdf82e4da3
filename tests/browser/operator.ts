// What the tests of the console share: an administrator's page, a watch, a broker for each test.
import { expect, test, type Browser, type Page } from '@playwright/test'
import mqtt, { type MqttClient } from 'mqtt'
import { Broker } from './broker.js'
import { expectConnection, watchFaults } from './page.js'
import { ana, password, prepare } from './scene.js'

/** The broker of the test that runs. */
export let broker: Broker
let ends: (() => Promise<unknown>)[] = []

/** Starts a broker with the scene for each test of a file, and ends what the test has opened. */
export function eachTest(): void {
  test.beforeEach(async () => {
    broker = await Broker.start()
    await prepare(broker)
    await broker.api('PUT', '/users/root', { name: 'Robin Root', role: 'admin', password: 'root+secret&1' })
  })

  test.afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
    await broker.stop()
  })
}

const sizes = {
  desktop: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
} as const

/** A tab with the console, signed in by the link. */
export async function open(browser: Browser, size: keyof typeof sizes = 'desktop', part = ''): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ ...sizes[size], reducedMotion: 'reduce' })
  ends.push(() => context.close())
  const page = await context.newPage()
  const faults = watchFaults(page)
  await page.goto(`${broker.url}/#${new URLSearchParams({ user: 'root', password: 'root+secret&1' })}`)
  await expectConnection(page, 'live')
  await page.goto(`${broker.url}/#/console${part}`)
  await expect(page.getByTestId('console')).toBeVisible()
  return { page, faults }
}

/** A watch of Ana's that keeps its session. */
export async function watch(clientId = 'ana-watch'): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://${broker.addresses.mqtt}`, {
    protocolVersion: 5, clientId, username: ana.id, password: password(ana), clean: false, reconnectPeriod: 0, properties: { sessionExpiryInterval: 600 },
  })
  ends.push(() => client.endAsync(true))
  client.on('error', () => undefined)
  return client
}
