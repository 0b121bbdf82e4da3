// Two watches that recorded one track run, replayed as a race. FITMQ_RECORDINGS names the folder they are in;
// without it the generated race of live.test.ts stands for it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { Broker } from './broker.js'
import { challengeRow, expectConnection, expectFigure, figure, raceRow, tile, watchFaults } from './page.js'
import { ana, ben, challenge, link, password, prepare, session, tess, type Person } from './scene.js'

const folder = process.env.FITMQ_RECORDINGS ?? ''
const runs: { who: Person; file: string; metres: number }[] = [
  { who: ana, file: 'ship/20210604_track_run_coros_pace_2.fit', metres: 7242.48 },
  { who: ben, file: 'ship/20210604_track_run_garmin_fenix_6.fit', metres: 7204.78 },
]

/** Replays a recording; ends when it is submitted, fails with what the program said. */
async function replay(broker: Broker, who: Person, file: string): Promise<void> {
  const child = spawn(
    process.env.FITMQ_WEARSIM_BIN ?? 'wearsim',
    ['--addr', `mqtt://${broker.addresses.mqtt}`, '--user', who.id, '--password', password(who),
      '--session', session, '--challenge', challenge, '--speed', '60', join(folder, file)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`wearsim ended with ${code}: ${said}`)
}

// Not a skip inside a test: where the folder is not named there is no such test.
if (folder !== '') {
  test('the recorded race ends on the page as the recordings say', async ({ browser }) => {
    test.setTimeout(240_000)
    const broker = await Broker.start()
    try {
      await prepare(broker)
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
      const faults = watchFaults(page)
      await page.goto(link(broker, tess))
      await expectConnection(page, 'live')
      const replays = Promise.all(runs.map((r) => replay(broker, r.who, r.file)))
      await expect.poll(() => figure(raceRow(page, 'ana'), 'score'), { timeout: 60_000 }).toBeGreaterThan(1000)
      await expect.poll(() => figure(tile(page, 'ben'), 'heart-rate'), { timeout: 60_000 }).toBeGreaterThan(60)
      await page.screenshot({ path: 'screenshots/recorded-race.png' })
      await replays
      for (const [i, r] of runs.entries()) {
        await expectFigure(challengeRow(page, r.who.id), 'score', r.metres)
        await expectFigure(challengeRow(page, r.who.id), 'rank', i + 1)
      }
      await expectFigure(raceRow(page, 'ana'), 'score', 7242.48)
      await expectFigure(raceRow(page, 'ben'), 'gap', 37.7)
      await expectFigure(page.getByTestId('challenge-activities'), 'count', 2)
      await page.screenshot({ path: 'screenshots/recorded-race-end.png' })
      expect(faults).toEqual([])
      await page.close()
    } finally {
      await broker.stop()
    }
  })
}
