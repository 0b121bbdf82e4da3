// The app without a mouse: what people come for is done with keys alone, one always sees where one is, and a dialog gives
// the focus back. And without motion, for who asks for less of it.
import { expect, test, type Browser, type Locator, type Page } from '@playwright/test'
import { Broker } from './broker.js'
import { tab } from './page.js'
import { ana, Athlete, ben, link, password, prepare, session, type Person } from './scene.js'

const root: Person = { id: 'root', name: 'Robin Root', role: 'admin' }

let broker: Broker
let ends: (() => Promise<void>)[] = []

test.beforeAll(async () => {
  broker = await Broker.start()
  await prepare(broker)
  await broker.api('PUT', '/users/root', { name: root.name, role: root.role, password: password(root) })
})
test.afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
})
test.afterAll(() => broker.stop())

async function open(browser: Browser, url: string, reducedMotion: 'reduce' | 'no-preference' = 'no-preference'): Promise<Page> {
  const page = await tab(browser, { viewport: { width: 1280, height: 900 }, reducedMotion }, ends)
  await page.goto(url)
  return page
}

async function watch(who: Person): Promise<Athlete> {
  const made = await Athlete.connect(broker, who)
  ends.push(() => made.leave())
  return made
}

/** Presses Tab until something has the focus, and sees that one sees it. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible()
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab')
    if (!(await target.evaluate((el) => el === document.activeElement))) continue
    expect(await target.evaluate((el) => el.matches(':focus-visible') && getComputedStyle(el).outlineStyle !== 'none'), 'the focus is seen').toBe(true)
    return
  }
  throw new Error(`Tab does not reach ${target.toString()}`)
}

/** Goes to something and presses Enter there. */
async function enter(page: Page, target: Locator): Promise<void> {
  await tabTo(page, target)
  await page.keyboard.press('Enter')
}

test('with keys alone: signing in, a session, a word, an activity, a partner', async ({ browser }) => {
  const page = await open(browser, broker.url)
  await tabTo(page, page.getByLabel('User name'))
  await page.keyboard.type('ana')
  await tabTo(page, page.getByLabel('Password'))
  await page.keyboard.type(password(ana))
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live')

  const main = page.getByRole('main')
  await enter(page, page.getByRole('link', { name: 'Skip to content' }))
  await expect(main).toBeFocused()
  await enter(page, page.getByRole('link', { name: /Track, ten by 400/ }))
  await expect(page.getByTestId('session-title')).toHaveText('Track, ten by 400')
  await expect(main).toBeFocused() // a new room is read from its beginning

  await tabTo(page, page.getByRole('textbox', { name: 'Say something' }))
  await page.keyboard.type('On my way')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('log', { name: 'Session chat' })).toContainText('On my way')

  await enter(page, page.getByRole('link', { name: /^Challenges/ }))
  await enter(page, page.getByRole('link', { name: /Hundred kilometres/ }))
  await tabTo(page, page.getByLabel('Minutes'))
  await page.keyboard.type('30')
  await tabTo(page, page.getByLabel('Distance in km'))
  await page.keyboard.type('6.5')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('activity-said')).toContainText('Handed in')
  await expect(page.getByTestId('my-rank')).toContainText('6.50')

  await enter(page, page.getByRole('link', { name: /^Partners/ }))
  await enter(page, page.getByRole('button', { name: 'Start looking' }))
  await expect(page.getByTestId('searching')).toHaveAttribute('data-on', 'true')
  await (await watch(ben)).seek(5000, 330)
  await enter(page, page.getByRole('button', { name: /^Accept/ }))
  await expect(page.getByText('Waiting for the other one')).toBeVisible()
})

test('a dialog keeps the focus, Escape closes it, and one is back where one was', async ({ browser }) => {
  await watch(ana)
  const page = await open(browser, link(broker, root))
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live')
  await page.evaluate(() => (location.hash = '#/console/clients/watch-ana'))
  const button = page.getByRole('main').getByRole('button', { name: 'Disconnect' })
  await enter(page, button)
  const dialog = page.getByRole('dialog')
  await expect(dialog).toBeVisible()
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Tab')
    // Beside the dialog's buttons there is only the browser itself: what is below cannot be reached.
    expect(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null)).toBe(true)
  }
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(button).toBeFocused()
  await enter(page, button)
  await enter(page, dialog.getByRole('button', { name: 'Cancel' }))
  await expect(dialog).toHaveCount(0)
  await expect(button).toBeFocused()
  await expect(page.getByTestId('client-facts')).toHaveAttribute('data-connected', 'true')
})

declare global {
  interface Window {
    /** What has moved on the page since it was watched. */
    moves: Set<string>
  }
}

/** Notes at every frame what is moving. */
function watchMoves(): void {
  window.moves = new Set()
  const look = (): void => {
    for (const a of document.getAnimations()) {
      const el = a.effect instanceof KeyframeEffect ? a.effect.target : null
      if (a.playState === 'running') window.moves.add(`${a instanceof CSSAnimation ? a.animationName : a.constructor.name} of ${el?.className ?? ''}`)
    }
    requestAnimationFrame(look)
  }
  look()
}

for (const motion of ['reduce', 'no-preference'] as const) {
  test(`a change of lead ${motion === 'reduce' ? 'moves nothing for who wants less motion' : 'moves'}`, async ({ browser }) => {
    const page = await open(browser, link(broker, ana), motion)
    const [a, b] = [await watch(ana), await watch(ben)]
    await page.evaluate((id) => (location.hash = `#/live/${id}`), session)
    const metres = motion === 'reduce' ? 1000 : 5000 // the second race goes on where the first one was
    await b.send(metres, { distance: metres + 20, speed: 4, heartRate: 170 })
    await a.send(metres, { distance: metres, speed: 4, heartRate: 150 })
    await expect(page.getByText('Ben Okafor leads')).toBeVisible()
    await expect(page.getByTestId('tile')).toHaveCount(2)
    await page.evaluate(watchMoves)
    await a.send(metres + 10, { distance: metres + 60, speed: 4.2, heartRate: 171 })
    await expect(page.getByText('Ana Ferreira leads')).toBeVisible()
    await expect(page.getByText('New leader')).toBeVisible()
    await expect(page.getByTestId('announcer')).toHaveText('Ana Ferreira takes the lead') // some frames later
    const moves = await page.evaluate(() => [...window.moves])
    if (motion === 'reduce') expect(moves).toEqual([])
    else expect(moves.join(', ')).toContain('take-lead')
  })
}
