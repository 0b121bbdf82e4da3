// A race of two on the page, in a real browser over WebSocket, against the real broker; the athletes are native
// MQTT clients over TCP.
import { expect, test, type Browser, type Page } from '@playwright/test'
import { Broker } from './broker.js'
import { challengeRow, expectAccessible, expectConnection, expectFigure, expectFits, figure, raceRow, rosterMember, tile, watchFaults } from './page.js'
import { ana, Athlete, ben, link, prepare, session, tess, type Person } from './scene.js'

const sizes = [
  { name: 'desktop', width: 1280, height: 900, scheme: 'light' },
  { name: 'phone', width: 390, height: 844, scheme: 'dark' },
] as const

let broker: Broker
let ends: (() => Promise<void>)[] = []

test.beforeEach(async () => {
  broker = await Broker.start()
  await prepare(broker)
})

test.afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
  await broker.stop()
})

/** A tab of its own for somebody, signed in by the link. */
async function open(browser: Browser, who: Person, size: (typeof sizes)[number] = sizes[0]): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: size.width, height: size.height }, colorScheme: size.scheme })
  ends.push(() => context.close())
  const page = await context.newPage()
  const faults = watchFaults(page)
  await page.goto(link(broker, who))
  await expectConnection(page, 'live')
  return { page, faults }
}

async function athlete(who: Person): Promise<Athlete> {
  const made = await Athlete.connect(broker, who)
  ends.push(() => made.leave())
  return made
}

for (const size of sizes) {
  test(`a race moves on a ${size.name}`, async ({ browser }) => {
    const { page, faults } = await open(browser, tess, size)
    await expect(page.getByTestId('session-title')).toHaveText('Track, ten by 400')
    await expect(page.getByTestId('session-state')).toHaveAttribute('data-state', 'live')
    expect(page.url(), 'the password is gone from the address').toBe(`${broker.url}/#/live/track?challenge=spring`)

    const [a, b] = [await athlete(ana), await athlete(ben)]
    for (const who of [ana, ben, tess]) await expect(rosterMember(page, who.id)).toHaveCount(1)
    await expect(page.getByTestId('roster')).toHaveAttribute('data-count', '3')
    await expect(rosterMember(page, 'tess')).toHaveAttribute('data-role', 'trainer')

    // Ben is ahead first, measured without power; Ana has power and passes him.
    await b.send(60, { distance: 250.5, speed: 4.1, heartRate: 171, cadence: 88 })
    await a.send(60, { distance: 240.25, speed: 4, heartRate: 149, cadence: 90, power: 265 })
    await expectFigure(raceRow(page, 'ben'), 'rank', 1)
    await expectFigure(raceRow(page, 'ana'), 'gap', 10.25, 2)
    await expectFigure(tile(page, 'ana'), 'heart-rate', 149)
    await expectFigure(tile(page, 'ana'), 'power', 265)
    await expectFigure(tile(page, 'ben'), 'zone', 5)
    await expect(tile(page, 'ben')).not.toHaveAttribute('data-power')
    await expect(tile(page, 'ben')).toContainText('171')
    await expect(tile(page, 'ben')).toContainText('4:04')

    await a.send(120, { distance: 500, speed: 4.3, heartRate: 160 })
    await b.send(120, { distance: 490, speed: 4, heartRate: 170 })
    await expect(page.getByTestId('leader')).toHaveAttribute('data-user', 'ana')
    await expectFigure(raceRow(page, 'ben'), 'gap', 10, 2)
    await expect(page.getByTestId('announcer')).toHaveText('Ana Ferreira takes the lead')
    await expect(page.locator('[data-testid=feed-item][data-kind=lead][data-user=ana]')).toHaveCount(1)
    await expectFigure(tile(page, 'ana'), 'elapsed', 120)

    await b.send(121, { distance: 490, speed: 0, heartRate: 150, status: 'paused' })
    await expect(tile(page, 'ben')).toHaveAttribute('data-state', 'paused')
    await expect(tile(page, 'ben')).toHaveAttribute('data-state', 'stale', { timeout: 20_000 })

    await a.submit('morning', 7242.48, 1800)
    await b.submit('morning', 7204.78, 1790)
    await a.submit('morning', 7242.48, 1800).catch(() => undefined) // a watch that is not sure sends again
    await expectFigure(challengeRow(page, 'ana'), 'score', 7242.48)
    await expectFigure(challengeRow(page, 'ben'), 'score', 7204.78)
    await expectFigure(challengeRow(page, 'ana'), 'rank', 1)
    await expectFigure(challengeRow(page, 'ben'), 'rank', 2)
    await expect(challengeRow(page, 'ana')).toContainText('7.24')
    await expectFigure(page.getByTestId('challenge-activities'), 'count', 2)
    await expectFigure(page.getByTestId('challenge-sum'), 'sum', 14447.26)
    expect(await figure(page.getByTestId('challenge-time-left'), 'seconds')).toBeGreaterThan(2 * 86_400)

    await b.leave()
    await expect(rosterMember(page, 'ben')).toHaveCount(0, { timeout: 20_000 })
    await expect(rosterMember(page, 'ana')).toHaveCount(1)
    await expectFits(page)
    await expectAccessible(page)
    await page.screenshot({ path: `screenshots/race-${size.name}.png`, fullPage: true })

    await broker.api('POST', `/sessions/${session}/control`, { action: 'end' })
    await expect(page.getByTestId('session-state')).toHaveAttribute('data-state', 'ended')
    await expect(tile(page, 'ana')).toHaveAttribute('data-state', 'ended')
    await expect(page.getByTestId('leader')).toContainText('Ana Ferreira finished first')
    await expectFigure(tile(page, 'ana'), 'distance', 500)
    expect(faults).toEqual([])
  })
}

test('who joins late sees everybody at once, and his own row marked', async ({ browser }) => {
  const a = await athlete(ana)
  await a.send(300, { distance: 1200, speed: 4, heartRate: 155 })
  await a.submit('early', 5100, 1500)
  const { page, faults } = await open(browser, ana)
  await expectFigure(tile(page, 'ana'), 'distance', 1200)
  await expectFigure(raceRow(page, 'ana'), 'score', 1200)
  await expect(raceRow(page, 'ana')).toHaveAttribute('data-me', 'true')
  await expectFigure(challengeRow(page, 'ana'), 'score', 5100)
  await expect(challengeRow(page, 'ana')).toHaveAttribute('data-me', 'true')
  expect(faults).toEqual([])
})

test('a broker killed and started again: the page goes on without a reload', async ({ browser }) => {
  const { page, faults } = await open(browser, tess)
  const a = await athlete(ana)
  await a.send(60, { distance: 250, speed: 4, heartRate: 150 })
  await a.submit('first', 5000, 1500)
  await expectFigure(tile(page, 'ana'), 'distance', 250)
  await expectFigure(challengeRow(page, 'ana'), 'score', 5000)
  await page.evaluate(() => document.body.setAttribute('data-same-page', 'yes'))

  await broker.kill()
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', /reconnecting|offline/, { timeout: 20_000 })
  await expect(page.getByTestId('banner')).toBeVisible()
  // What was known stays, and the page still answers.
  await expectFigure(tile(page, 'ana'), 'distance', 250)
  await page.screenshot({ path: 'screenshots/reconnecting.png' })

  await broker.restart()
  await expectConnection(page, 'live', 30)
  await a.send(90, { distance: 375, speed: 4.1, heartRate: 158 })
  await a.submit('second', 2500, 800)
  await a.submit('first', 5000, 1500).catch(() => undefined) // known already: counted once
  await expectFigure(tile(page, 'ana'), 'distance', 375)
  await expectFigure(challengeRow(page, 'ana'), 'score', 7500)
  await expect(page.getByTestId('session-state')).toHaveAttribute('data-state', 'live')
  await expect(rosterMember(page, 'ana')).toHaveCount(1)
  expect(await page.evaluate(() => document.body.getAttribute('data-same-page'))).toBe('yes')
  expect(faults).toEqual([])
})

test('without a network the page says so, keeps what it knows, and returns', async ({ browser }) => {
  const { page } = await open(browser, tess)
  const a = await athlete(ana)
  await a.send(60, { distance: 250, speed: 4 })
  await expectFigure(tile(page, 'ana'), 'distance', 250)
  await page.context().setOffline(true)
  await expectConnection(page, 'offline')
  await expect(tile(page, 'ana')).toBeVisible()
  await a.send(61, { distance: 254, speed: 4 })
  await page.context().setOffline(false)
  await expectConnection(page, 'live')
  await expectFigure(tile(page, 'ana'), 'distance', 254)
})

test('signing in by the form; a wrong password is told; signing out forgets', async ({ browser }) => {
  const context = await browser.newContext({ viewport: sizes[1] })
  ends.push(() => context.close())
  const page = await context.newPage()
  const faults = watchFaults(page)
  await page.goto(`${broker.url}/#session=track&challenge=spring`)
  await page.getByLabel('User name').fill('tess')
  await page.getByLabel('Password').fill('wrong')
  await expectAccessible(page)
  await page.screenshot({ path: 'screenshots/sign-in.png' })
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByTestId('sign-in-problem')).toHaveText('User name or password is not right.')
  await expect(page.getByLabel('User name')).toHaveValue('tess')
  await page.getByLabel('Password').fill('tess+secret&1')
  await page.getByLabel('Password').press('Enter')
  await expectConnection(page, 'live')
  await expect(page.getByTestId('session-title')).toHaveText('Track, ten by 400')

  await page.reload()
  await expectConnection(page, 'live') // the tab remembers
  await page.getByTestId('sign-out').click()
  await expect(page.getByTestId('sign-in')).toBeVisible()
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))
  expect(kept).not.toContain('secret')
  expect(faults).toEqual([])
})

test('a copied tab gets a client id of its own', async ({ browser }) => {
  const { page } = await open(browser, tess)
  const copy = await page.context().newPage()
  const kept = await page.evaluate(() => ({ ...sessionStorage }))
  await copy.addInitScript((values) => {
    for (const [key, value] of Object.entries(values)) {
      if (sessionStorage.getItem(key) === null) sessionStorage.setItem(key, String(value))
    }
  }, kept)
  await copy.goto(`${broker.url}/`)
  await expectConnection(copy, 'live')
  const ids = (): Promise<(string | null)[]> => Promise.all([page, copy].map((p) => p.evaluate(() => sessionStorage.getItem('fitmq:client:tess'))))
  await expect.poll(async () => new Set(await ids()).size).toBe(2)
  await expectConnection(page, 'live')
  await expectConnection(copy, 'live')
})
