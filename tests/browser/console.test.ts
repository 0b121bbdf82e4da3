// The console, as an administrator uses it while clients come and go.
import { expect, test, type Browser, type Page } from '@playwright/test'
import mqtt, { type MqttClient } from 'mqtt'
import { Broker } from './broker.js'
import { expectAccessible, expectConnection, watchFaults } from './page.js'
import { ana, password, prepare, session } from './scene.js'

let broker: Broker
let ends: (() => Promise<unknown>)[] = []

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

const sizes = {
  desktop: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
} as const

/** A tab with the console, signed in by the link. */
async function open(browser: Browser, size: keyof typeof sizes = 'desktop', part = ''): Promise<{ page: Page; faults: string[] }> {
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

async function watch(clientId = 'ana-watch'): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://${broker.addresses.mqtt}`, {
    protocolVersion: 5, clientId, username: ana.id, password: password(ana), clean: false, reconnectPeriod: 0, properties: { sessionExpiryInterval: 600 },
  })
  ends.push(() => client.endAsync(true))
  client.on('error', () => undefined)
  return client
}

test('an administrator finds a client, traces it, sees what it is refused, and disconnects it', async ({ browser }) => {
  const client = await watch()
  await client.subscribeAsync([`user/${ana.id}/#`, `session/${session}/chat`], { qos: 1 })
  const { page, faults } = await open(browser, 'desktop', '/clients')
  await page.getByTestId('search').fill('WATCH')
  await expect(page.getByTestId('client-row')).toHaveCount(1)
  await page.getByRole('link', { name: 'ana-watch' }).click()
  await expect(page.getByTestId('client-facts')).toHaveAttribute('data-connected', 'true')
  await expect(page.getByTestId('client-facts')).toContainText('MQTT 5')
  await expect(page.getByTestId('client-subscriptions')).toContainText(`user/${ana.id}/#`)

  await page.getByTestId('trace-button').click()
  await expect(page.getByTestId('trace')).toHaveAttribute('data-state', 'on')
  await client.publishAsync(`session/${session}/info`, 'a secret', { qos: 1 }).catch(() => undefined)
  const refused = page.locator('[data-testid=trace-event][data-packet=PUBACK][data-bad=true]')
  await expect(refused).toContainText('0x87')
  await expect(page.locator('[data-testid=trace-event][data-packet=PUBLISH][data-direction=in]')).toContainText(`session/${session}/info`)
  expect(await page.textContent('body')).not.toContain('a secret')
  await expectAccessible(page)
  await page.screenshot({ path: 'screenshots/console-client.png', fullPage: true })

  await page.getByRole('link', { name: 'Refusals' }).click()
  const row = page.locator('[data-testid=refusal][data-user=ana]')
  await expect(row).toHaveCount(1)
  await expect(row).toContainText(`session/${session}/info`)
  await client.subscribeAsync('session/+/events').catch(() => undefined)
  await expect(row).toHaveCount(2)
  await expectAccessible(page)

  await page.goBack()
  const gone = new Promise<number>((resolve) => client.on('disconnect', (packet) => resolve(packet.reasonCode ?? 0)))
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  expect(client.connected).toBe(true)
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
  expect(await gone).toBe(0x98)
  await expect(page.getByTestId('client-facts')).toHaveAttribute('data-connected', 'false')
  expect(faults).toEqual([])
})
