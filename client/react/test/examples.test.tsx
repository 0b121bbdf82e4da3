// @vitest-environment happy-dom
// The README's components, as they stand there, with the real broker.
import { readFileSync, readdirSync } from 'node:fs'
import { connect, type Client } from '@fitmq/client'
import type { ReactNode } from 'react'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { gym, type Broker } from '../../test/broker.js'
import { Chat } from '../examples/Chat.js'
import { FindPartner } from '../examples/FindPartner.js'
import { GroupChallenge } from '../examples/GroupChallenge.js'
import { LiveWorkout } from '../examples/LiveWorkout.js'
import { Notifications } from '../examples/Notifications.js'
import { TrainerFeedback } from '../examples/TrainerFeedback.js'
import { FitmqProvider } from '../src/index.js'
import { render, until } from './render.js'

let broker: Broker
const open = new Set<Client>()
beforeAll(async () => {
  broker = await gym()
})
afterAll(() => broker.stop())
afterEach(async () => {
  await Promise.all([...open].map((c) => c.close()))
  open.clear()
})

function client(user: string): Client {
  const c = connect({ url: broker.url, username: user, password: `${user}-secret`, storage: 'memory' })
  open.add(c)
  return c
}

/** A page of a user's, with one of the components. */
async function page(user: string, node: ReactNode) {
  const { place, text } = await render(<FitmqProvider client={client(user)}>{node}</FitmqProvider>)
  return {
    place,
    /** Waits until the page says so. */
    says: async (what: RegExp) => {
      await until(() => what.test(text())).catch((cause: unknown) => {
        throw new Error(`${user}'s page does not say ${what}, but: ${text()}`, { cause })
      })
    },
    press: async (name: string) => {
      const button = (): HTMLButtonElement | undefined => [...place.querySelectorAll('button')].find((b) => b.textContent === name)
      await until(() => button() !== undefined)
      button()?.click()
    },
  }
}

describe('the README', () => {
  const files = ['core/examples', 'react/examples'].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
  for (const file of files) {
    test(`has ${file} as it is, short`, () => {
      const text = readFileSync(file, 'utf8')
      const there = readFileSync('README.md', 'utf8').includes(`\`\`\`${file.split('.').at(-1)}\n${text}\`\`\``)
      expect(there, 'whether README.md has the file').toBe(true)
      expect(text.split('\n').length).toBeLessThanOrEqual(file.startsWith('react') ? 20 : 40)
    })
  }
})

describe('ERRORS.md', () => {
  test('says something about every code, and about no other', () => {
    const codes = [...readFileSync('core/src/errors.ts', 'utf8').matchAll(/^  \| '([a-z-]+)'/gm)].map((m) => m[1])
    const told = [...readFileSync('ERRORS.md', 'utf8').matchAll(/^\| `([a-z-]+)` \|/gm)].map((m) => m[1])
    expect(codes.length).toBeGreaterThan(10)
    expect(told.sort()).toEqual(codes.sort())
  })
})

describe('the examples', () => {
  test('OK: a live workout: two see each other, and who leads', async () => {
    const [ana, ben] = [await page('ana', <LiveWorkout id="track" />), await page('ben', <LiveWorkout id="track" />)]
    await ana.says(/^Track connected \(websocket\)/)
    await ana.press('Share my numbers')
    await ben.says(/ana: 141 bpm.*ana: 5\.20 km/)
    const refused = await page('ana', <LiveWorkout id="closed" />)
    await refused.says(/\w/)
    await until(() => refused.place.querySelector('[role=alert]') !== null)
  })

  test('OK: a group challenge: an activity moves the board', async () => {
    const run = { activityId: 'run-1', sport: 'running', startTime: new Date(Date.now() - 3600_000).toISOString(), totalElapsedTime: 1800, totalDistance: 5000 }
    const [ana, ben] = [await page('ana', <GroupChallenge id="june" run={run} />), await page('ben', <GroupChallenge id="june" run={run} />)]
    await ben.says(/June: 2 take part/)
    await ana.press('Hand in my run')
    await ben.says(/ana: 5000 m.*ana has made 1000 m/)
    await ana.says(/You are number 1 of 1/)
  })

  test('OK: trainer feedback: a correction comes, and that it was seen goes back', async () => {
    const [tess, ana] = [await page('tess', <TrainerFeedback id="legs" client="ana" />), await page('ana', <TrainerFeedback id="legs" />)]
    for (const p of [tess, ana]) await p.says(/^Legs/)
    await tess.press('Correct ana')
    await ana.says(/knee: Deeper/)
    await ana.press('Got it')
    for (const p of [tess, ana]) await p.says(/Deeper \(seen\)/)
  })

  test('OK: chat: a message with its ticks, unread until it is looked at', async () => {
    const [ana, tess] = [await page('ana', <Chat partner="tess" />), await page('tess', <Chat partner="ana" />)]
    await ana.says(/^tess/)
    const input = ana.place.querySelector('input')!
    input.value = 'Legs are sore'
    ana.place.querySelector('form')?.requestSubmit()
    await tess.says(/1 unread.*ana: Legs are sore/)
    await ana.says(/Legs are sore ✓✓/)
    tess.place.querySelector('input')?.dispatchEvent(new FocusEvent('focusin', { bubbles: true }))
    await ana.says(/✓✓ read/)
    await until(() => !/unread/.test(tess.place.textContent ?? ''))
    expect(input.value, 'the form is empty again').toBe('')
  })

  test('OK: partner matching: two find each other', async () => {
    const here = { latitude: 52.52, longitude: 13.405 }
    const [ana, ben] = [await page('ana', <FindPartner here={here} />), await page('ben', <FindPartner here={here} />)]
    for (const p of [ana, ben]) await p.press('Find a partner')
    for (const p of [ana, ben]) await p.says(/within \d+ km/)
    for (const p of [ana, ben]) await p.press('Run together')
    for (const p of [ana, ben]) await p.says(/matched/)
  })

  test('OK: notifications: they come, are read and go', async () => {
    const ben = await page('7', <Notifications />)
    await ben.says(/^News/)
    await client('tess').publish('user/7/notification', { content: 'Your plan is ready', kind: 'reminder' })
    await ben.says(/News 1.*Your plan is ready/)
    await ben.press('All read')
    await ben.says(/^News\s+All read/)
    await ben.press('Remove')
    await until(() => !/plan/.test(ben.place.textContent ?? ''))
  })
})
