// Takes the picture of the page that the README shows: `npm run picture`. Six athletes in the middle of a race.
import { expect, test } from '@playwright/test'
import { join } from 'node:path'
import { Broker, root } from './broker.js'
import { challengeRow, expectConnection, expectFigure, tile } from './page.js'
import { ana, Athlete, ben, link, prepare, tess, type Person } from './scene.js'

const cast: { who: Person; sport: string; speed: number; heartRate: number; power?: number; earlier: number[] }[] = [
  { who: ana, sport: 'running', speed: 4.02, heartRate: 166, earlier: [7242.48, 9120] },
  { who: ben, sport: 'running', speed: 4.0, heartRate: 174, earlier: [7204.78, 5010] },
  { who: { id: 'chiara', name: 'Chiara Russo', role: 'member' }, sport: 'running', speed: 3.93, heartRate: 157, earlier: [10234.5, 8400] },
  { who: { id: 'dmitri', name: 'Dmitri Vance', role: 'member' }, sport: 'running', speed: 3.86, heartRate: 139, power: 262, earlier: [22400] },
  { who: { id: 'elif', name: 'Elif Kaya', role: 'member' }, sport: 'running', speed: 3.8, heartRate: 181, earlier: [6120] },
  { who: { id: 'finn', name: 'Finn O’Neill', role: 'member' }, sport: 'running', speed: 3.72, heartRate: 121, earlier: [3010.4] },
]

/** A course that wavers as people do, the same each time. */
function waver(who: Person, t: number): number {
  const a = who.id.charCodeAt(0)
  const b = who.id.charCodeAt(1)
  return 0.6 * Math.sin(t / 11 + a) + 0.3 * Math.sin(t / 4.3 + b) + 0.15 * Math.sin(t * 1.7 + a * b)
}

test('picture', async ({ browser }) => {
  const broker = await Broker.start()
  try {
    await prepare(broker, [...cast.map((c) => c.who), tess], 'Tuesday track, 10 × 400 m')
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, deviceScaleFactor: 1.5, colorScheme: 'light' })
    await page.goto(link(broker, tess))
    await expectConnection(page, 'live')
    const athletes = []
    for (const c of cast) {
      const athlete = await Athlete.connect(broker, c.who, c.sport)
      for (const [i, metres] of c.earlier.entries()) await athlete.submit(`earlier-${i}`, metres, metres / 3)
      athletes.push({ ...c, athlete, distance: c.who === ben ? 6015 : 1500 * c.speed })
    }
    for (let t = 1500; t < 1560; t++) {
      // Ben is ahead until Ana passes him near the end, so that the picture has a lead change.
      await Promise.all(athletes.map((a) => {
        const speed = a.speed + 0.4 * waver(a.who, t) + (a.who !== ben ? 0 : t < 1530 ? 0.9 : -1.2)
        a.distance += speed
        return a.athlete.send(t, {
          distance: round(a.distance), speed: round(speed), heartRate: Math.round(a.heartRate + 8 * waver(a.who, t)),
          cadence: Math.round(88 + 3 * waver(a.who, t)), ...(a.power === undefined ? {} : { power: Math.round(a.power + 40 * waver(a.who, t)) }),
        })
      }))
      await page.waitForTimeout(220) // a device may send five samples a second
    }
    await expectFigure(tile(page, 'finn'), 'elapsed', 1559)
    await expectFigure(challengeRow(page, 'dmitri'), 'rank', 1)
    await expect(page.getByTestId('leader')).toHaveAttribute('data-user', 'ana')
    await page.screenshot({ path: join(root, 'docs/images/live.png') })
    for (const a of athletes) await a.athlete.leave()
  } finally {
    await broker.stop()
  }
})

function round(value: number): number {
  return Math.round(value * 100) / 100
}
