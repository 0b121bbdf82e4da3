// How soon the app can be used, as a report: the median of several cold loads, signed in, over the loopback. Nothing is
// asserted about time, for machines that run tests are busy; the trace of the last load is in test-results.
import { expect, test, type Page } from '@playwright/test'
import { Broker } from './broker.js'
import { link, prepare, tess } from './scene.js'

const loads = 5
/** So long without a long task, and the start is over, in ms. */
const quiet = 1000

interface Marks {
  paint: number
  longTasks: { end: number; duration: number }[]
}
declare global {
  interface Window {
    marks: Marks
  }
}

/** In ms from the navigation's start. */
interface Load {
  /** Something is on the screen. */
  painted: number
  /** What was asked for is there: the session by its name. */
  content: number
  /** From here on no task of more than 50 ms keeps the page from answering, and it is painted. */
  interactive: number
  /** How long the page was kept from answering before, over 50 ms a task. */
  blocked: number
  kilobytes: number
}

/** Runs in the page, before anything else. */
function observe(): void {
  const marks: Marks = { paint: 0, longTasks: [] }
  window.marks = marks
  const hear = (type: string, fn: (e: PerformanceEntry) => void): void =>
    new PerformanceObserver((list) => list.getEntries().forEach(fn)).observe({ type, buffered: true })
  hear('paint', (e) => {
    if (e.name === 'first-contentful-paint') marks.paint = e.startTime
  })
  hear('longtask', (e) => marks.longTasks.push({ end: e.startTime + e.duration, duration: e.duration }))
}

async function load(page: Page, url: string): Promise<Load> {
  await page.addInitScript(observe)
  await page.goto(url)
  await expect(page.getByRole('heading', { name: 'Track, ten by 400' })).toBeVisible()
  const content = await page.evaluate(() => performance.now())
  await page.waitForFunction((ms) => window.marks.paint > 0 && performance.now() - (window.marks.longTasks.at(-1)?.end ?? 0) > ms, quiet)
  return page.evaluate((shown) => {
    const { paint, longTasks } = window.marks
    const blocking = longTasks.filter((t) => t.end > paint)
    const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    return {
      painted: paint,
      content: shown,
      interactive: Math.max(paint, ...blocking.map((t) => t.end)),
      blocked: blocking.reduce((sum, t) => sum + t.duration - 50, 0),
      kilobytes: resources.reduce((sum, r) => sum + r.transferSize, 0) / 1024,
    }
  }, content)
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

test('report: how soon the app can be used', async ({ browser }, info) => {
  const broker = await Broker.start()
  try {
    await prepare(broker)
    const all: Load[] = []
    for (let i = 0; i < loads; i++) {
      const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
      const page = await context.newPage()
      const last = i === loads - 1
      if (last) await browser.startTracing(page, { path: info.outputPath('trace.json') })
      all.push(await load(page, link(broker, tess)))
      if (last) await browser.stopTracing()
      await context.close()
    }
    for (const l of all) expect(l.painted).toBeGreaterThan(0)
    const of = (what: keyof Load): string => median(all.map((l) => l[what])).toFixed(0)
    console.log(`of ${loads} cold loads, median: painted after ${of('painted')} ms, interactive after ${of('interactive')} ms (aim: under 1000), ` +
      `the session shown after ${of('content')} ms; blocked for ${of('blocked')} ms; ${of('kilobytes')} KB loaded`)
  } finally {
    await broker.stop()
  }
})
