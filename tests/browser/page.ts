// How a test opens the page, and what it reads from it, as numbers.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Browser, type BrowserContextOptions, type ConsoleMessage, type Locator, type Page } from '@playwright/test'
import type { Broker } from './broker.js'
import { link, type Person } from './scene.js'

export const tile = (page: Page, user: string): Locator => page.locator(`[data-testid=tile][data-user="${user}"]`)
export const raceRow = (page: Page, user: string): Locator => page.locator(`[data-testid=race-row][data-user="${user}"]`)
export const challengeRow = (page: Page, user: string): Locator => page.locator(`[data-testid=challenge-row][data-user="${user}"]`)
export const rosterMember = (page: Page, user: string): Locator => page.locator(`[data-testid=roster-member][data-user="${user}"]`)

/** A raw number from a data attribute; NaN while it is not there. */
export async function figure(at: Locator, name: string): Promise<number> {
  const raw = await at.getAttribute(`data-${name}`, { timeout: 1000 }).catch(() => null)
  return raw === null ? NaN : Number(raw)
}

/** Waits until a number on the page is what it should be, to 0.1 unless said otherwise. */
export async function expectFigure(at: Locator, name: string, want: number, digits = 1, seconds = 20): Promise<void> {
  await expect.poll(() => figure(at, name), { message: `data-${name}`, timeout: seconds * 1000 }).toBeCloseTo(want, digits)
}

export async function expectConnection(page: Page, state: string, seconds = 20): Promise<void> {
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', state, { timeout: seconds * 1000 })
}

/** Collects what a page must not do: uncaught errors, broken security policy, unreadable messages. */
export function watchFaults(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (m: ConsoleMessage) => {
    if (/malformed|Content Security Policy|Minified React error/i.test(m.text())) faults.push(m.text())
  })
  return faults
}

/** By how many pixels something is wider than the screen; 0 where nothing is. */
export async function overhang(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth))
}

/** A tab in a browser of somebody's own. What ends the test closes it, and says what the page must not have done. */
export async function tab(browser: Browser, options: BrowserContextOptions, ends: (() => Promise<void>)[]): Promise<Page> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const faults = watchFaults(page)
  ends.push(async () => {
    await context.close()
    expect(faults).toEqual([])
  })
  return page
}

/** Goes to another place in the app that is open. */
export async function visit(page: Page, place: string): Promise<void> {
  await page.evaluate((hash) => (location.hash = hash), place)
}

/** A tab where somebody is signed in and somewhere in the app. */
export async function openAt(browser: Browser, broker: Broker, who: Person, place: string, ends: (() => Promise<void>)[]): Promise<Page> {
  const page = await tab(browser, { viewport: { width: 1100, height: 800 }, locale: 'en-GB' }, ends)
  await page.goto(link(broker, who))
  await expectConnection(page, 'live', 15)
  await visit(page, place)
  return page
}

/** That nothing is wider than the screen. */
export async function expectFits(page: Page): Promise<void> {
  expect(await overhang(page)).toBe(0)
}

/** What axe finds wrong with the page as it is: names, contrast, structure, keyboard (or by some rules); each as a line that says where. */
export async function findings(page: Page, rules?: string[]): Promise<string[]> {
  // Legacy mode: there are no frames, and the other one opens a page of its own for each look.
  const axe = new AxeBuilder({ page }).setLegacyMode(true)
  const { violations } = await (rules === undefined ? axe : axe.withRules(rules)).analyze()
  return violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.any.map((a) => a.message).join('; ')}`).join(' | ')}`)
}

/** That axe has no finding. */
export async function expectAccessible(page: Page): Promise<void> {
  expect(await findings(page)).toEqual([])
}
