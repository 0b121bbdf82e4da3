// Every view of the app as axe sees it, in light and dark, on a desk and on a phone: names, contrast, structure; and that
// nothing is wider than the screen. With FITMQ_PICTURES each view is also kept as a picture.
import { expect, test, type Browser, type Page } from '@playwright/test'
import { join } from 'node:path'
import { Broker, root } from './broker.js'
import { findings, overhang, watchFaults } from './page.js'
import { link, type Person } from './scene.js'
import { views, type View } from './views.js'
import { World } from './world.js'

/** Each size and each colour scheme is looked at by all rules once; the other two looks differ from those in contrast alone. */
const looks = [
  { name: 'desktop-light', width: 1280, height: 900, colorScheme: 'light', rules: undefined },
  { name: 'desktop-dark', width: 1280, height: 900, colorScheme: 'dark', rules: ['color-contrast'] },
  { name: 'phone-light', width: 390, height: 844, colorScheme: 'light', rules: ['color-contrast'] },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark', rules: undefined },
] as const

let broker: Broker
let world: World
test.beforeAll(async () => {
  broker = await Broker.start()
  world = await World.make(broker)
})
test.afterAll(async () => {
  await world.end()
  await broker.stop()
})

/** A page for all that somebody looks at. */
async function enter(browser: Browser, who: Person | undefined): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB' })
  const page = await context.newPage()
  const faults = watchFaults(page)
  await page.goto(who === undefined ? broker.url : link(broker, who))
  if (who !== undefined) await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live')
  return { page, faults }
}

async function keep(page: Page, view: View, name: string): Promise<void> {
  await page.mouse.move(0, 0)
  await page.evaluate(() => window.scrollTo(0, 0))
  if (view.shown === name) await page.screenshot({ path: join(root, 'docs/images', `${view.name}.png`), clip: { x: 0, y: 0, width: page.viewportSize()?.width ?? 0, height: 800 } })
  await page.screenshot({ path: `screenshots/views/${view.name}-${name}.png`, fullPage: true })
}

async function look(page: Page, view: View): Promise<void> {
  await page.setViewportSize(looks[0])
  await page.evaluate((hash) => (location.hash = hash), view.place)
  await view.first?.(page, world)
  await expect(view.there(page)).toBeVisible()
  for (const { name, width, height, colorScheme, rules } of looks) {
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme })
    await view.each?.(page, world)
    expect.soft(await overhang(page), `${view.name} ${name}: wider than the screen, in px`).toBe(0)
    expect.soft(await findings(page, rules && [...rules]), `${view.name} ${name}`).toEqual([])
    if (process.env.FITMQ_PICTURES) {
      await expect(page.locator('.notice-item')).toHaveCount(0) // they go by themselves, and cover what is to be seen
      await view.each?.(page, world) // the rules took their time: on the picture nothing is old
      await keep(page, view, name)
    }
  }
  await view.last?.(page, world)
}

/** FITMQ_VIEWS, a regular expression, has only some of them looked at. */
const wanted = views.filter((v) => new RegExp(process.env.FITMQ_VIEWS ?? '').test(v.name))
const people = new Map(wanted.map((v) => [v.who?.id ?? 'nobody', v.who]))
for (const [id, who] of people) {
  const theirs = wanted.filter((v) => v.who === who)
  test(`every view of ${id}: ${theirs.length}, in ${looks.length} looks`, async ({ browser }) => {
    test.setTimeout(600_000) // a busy machine; an idle one needs a minute for all
    const { page, faults } = await enter(browser, who)
    for (const view of theirs) await test.step(view.name, () => look(page, view))
    expect(faults).toEqual([])
    await page.context().close()
  })
}
