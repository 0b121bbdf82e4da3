// What browsers do with pages: they copy tabs, close and reload them, put them aside and bring them back, keep nothing
// for them, and let them sleep. Nothing is lost by it, told twice or out of order.
import { chromium, expect, test } from '@playwright/test'
import config from './playwright.config.js'
import { Stage, expectAllHeard, type Talker } from './talk.js'

let stage: Stage
test.beforeEach(async ({ browser }) => {
  stage = await Stage.start(browser)
})
test.afterEach(() => stage.stop())

/** Waits until somebody has heard so many, then says what. */
async function heard(who: Talker, n: number): Promise<string[]> {
  await expect.poll(async () => (await who.notes('heard')).length, { message: `${who.user} heard`, timeout: 45_000 }).toBeGreaterThanOrEqual(n)
  return who.notes('heard')
}

test('what waits when the only tab is closed goes out from the next one, in its order', async () => {
  const [network, context] = [await stage.network(), await stage.context()]
  const [ana, ben] = [await stage.person('ana', { network, context }), await stage.person('ben')]
  for (const p of [ana, ben]) await p.expectTransport('websocket')
  network.break()
  await ana.expectAway()
  for (let i = 1; i <= 20; i++) await ana.say(`left ${i}`)
  await expect.poll(() => ana.waiting()).toBe(20)
  await ana.page.reload()
  await expect.poll(() => ana.waiting(), 'after a reload').toBe(20)
  await ana.say('left 21')
  await expect.poll(() => ana.waiting()).toBe(21)
  await ana.page.close()
  const next = await stage.person('ana', { network, context })
  await next.mend()
  await next.expectTransport('websocket')
  const want = Array.from({ length: 21 }, (_, i) => `left ${i + 1}`)
  expect(await heard(ben, 21)).toEqual(want)
  await expect.poll(() => next.waiting()).toBe(0)
  await next.say('and on')
  expect(await heard(ben, 22)).toEqual([...want, 'and on'])
  for (const p of [next, ben]) expect(await p.notes('errors')).toEqual([])
})

test('a copied tab gets a client id of its own; what waits in the first one goes out once; reloading and closing either leaves the other alone', async () => {
  const [ana, ben] = [await stage.person('ana'), await stage.person('ben')]
  for (const p of [ana, ben]) await p.expectTransport('websocket')
  ana.network.break()
  await ana.expectAway()
  for (const text of ['first 1', 'first 2']) await ana.say(text)
  await expect.poll(() => ana.waiting()).toBe(2)
  const copy = await ana.copy()
  await copy.say('copy 1')
  await expect.poll(() => copy.waiting(), 'what waits in the first tab is not the copy’s').toBe(1)
  ana.network.mend()
  for (const p of [ana, copy]) await p.mend()
  for (const p of [ana, copy]) await p.expectTransport('websocket')
  expect((await heard(ben, 3)).sort()).toEqual(['copy 1', 'first 1', 'first 2'])
  const ids = [await ana.clientId(), await copy.clientId()]
  expect(new Set(ids).size, `client ids: ${ids.join(', ')}`).toBe(2)

  await copy.page.reload()
  await copy.expectTransport('websocket')
  expect(await copy.clientId(), 'after a reload').toBe(ids[1])
  await ana.page.reload()
  await ana.expectTransport('websocket')
  expect(await ana.clientId(), 'after a reload').toBe(ids[0])
  await ben.say('to both')
  for (const p of [ana, copy]) await expect.poll(async () => (await p.notes('heard')).filter((t) => t === 'to both')).toHaveLength(1)
  await ana.page.close()
  await copy.say('copy 2')
  expect(await heard(ben, 5)).toEqual(expect.arrayContaining(['copy 2']))
  expect(await ben.notes('heard')).toHaveLength(5)
  // Two who take each other over would go on and off.
  expect((await copy.notes('transports')).filter((t) => t === 'offline').length).toBeLessThanOrEqual(4)
  for (const p of [copy, ben]) expect(await p.notes('errors')).toEqual([])
})

const without: [string, () => void][] = [
  ['there is no IndexedDB', () => void Object.defineProperty(window, 'indexedDB', { value: undefined })],
  ['IndexedDB may not be used', () => void (IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError') })],
  ['IndexedDB never answers', () => void (IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest)],
  ['nothing can be stored at all', () => {
    Object.defineProperty(window, 'indexedDB', { value: undefined })
    Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('denied', 'SecurityError') } })
    const { setItem } = Storage.prototype
    Storage.prototype.setItem = function (key, value) {
      if (key.startsWith('fitmq:')) throw new DOMException('full', 'QuotaExceededError')
      setItem.call(this, key, value) // the page's own notes
    }
  }],
]
for (const [what, script] of without) {
  test(`where ${what} the client goes on without, and says so once`, async () => {
    const [ana, ben] = [await stage.person('ana', { before: (page) => page.addInitScript(script) }), await stage.person('ben')]
    for (const p of [ana, ben]) await p.expectTransport('websocket')
    await ana.say('one')
    expect(await heard(ben, 1)).toEqual(['one'])
    ana.network.break()
    await ana.expectAway()
    for (const text of ['two', 'three']) await ana.say(text)
    await expect.poll(() => ana.waiting()).toBe(2)
    await ben.say('four')
    await ana.mend()
    await ana.expectTransport('websocket')
    expect((await heard(ben, 4)).filter((t) => t !== 'four')).toEqual(['one', 'two', 'three'])
    expect([...(await heard(ana, 4))].sort()).toEqual(['four', 'one', 'three', 'two'])
    expect(await ana.notes('errors')).toEqual([expect.stringMatching(/^storage: what waits to be sent is lost with the page/)])
  })
}

for (const transport of ['websocket', 'sse'] as const) {
  test(`a laptop that has slept, under ${transport}: the dead connection is noticed and what was said meanwhile is heard`, async () => {
    const [ana, ben] = [await stage.person('ana', { before: (page) => page.clock.install() }), await stage.person('ben')]
    for (const p of [ana, ben]) await p.expectTransport('websocket')
    if (transport === 'sse') {
      ana.network.webSockets('answer 403')
      await ana.expectTransport('sse')
    }
    await ana.say('good night')
    await heard(ben, 1)
    ana.network.forget()
    await ben.say('are you there?')
    await ana.page.clock.fastForward('08:00:00')
    await ana.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await ana.say('good morning')
    expect(await heard(ana, 3)).toEqual(expect.arrayContaining(['are you there?']))
    await ana.expectTransport(transport)
    await expectAllHeard(ana, ben)
  })
}

test('a page that was put aside and is returned to has heard everything and goes on', async () => {
  const { launchOptions } = config.use ?? {}
  const browser = await chromium.launch({ ...launchOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  const own = await Stage.start(browser)
  try {
    const [ana, ben] = [await own.person('ana'), await own.person('ben')]
    for (const p of [ana, ben]) await p.expectTransport('websocket')
    await ana.say('before')
    await heard(ben, 1)
    // The test's own line to a page does not survive this, so the page tells Ben what it has heard.
    await ana.page.evaluate(() => addEventListener('pageshow', ({ persisted }) => {
      window.talk.sayOne(persisted ? 'returned' : 'loaded anew')
      const timer = setInterval(() => {
        const told = window.talk.notes('heard').filter((text) => text.startsWith('meanwhile'))
        if (told.length < 2) return
        clearInterval(timer)
        window.talk.sayOne(`heard ${told.join(', ')}`)
      }, 200)
    }))
    await ana.page.goto(new URL('/fitmq.js', ana.page.url()).href)
    for (const text of ['meanwhile 1', 'meanwhile 2']) await ben.say(text)
    await heard(ben, 3)
    ana.page.evaluate(() => history.back()).catch(() => undefined) // the page that is left has no answer
    const all = ['before', 'meanwhile 1', 'meanwhile 2', 'returned', 'heard meanwhile 1, meanwhile 2']
    expect(await heard(ben, all.length)).toEqual(all)
    expect(await ben.notes('errors')).toEqual([])
  } finally {
    await own.stop()
    await browser.close()
  }
})
