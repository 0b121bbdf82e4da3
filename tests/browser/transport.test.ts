// What carries the messages may fail in every way: two people and more, each with a browser and a network of their
// own, talk on, and each hears everything once and in its order.
import { expect, test } from '@playwright/test'
import { Stage, expectAllHeard, type Talker } from './talk.js'

/** How long a network is away, in s: 30 with FITMQ_LONG. */
const away = process.env.FITMQ_LONG ? 30 : 5

let stage: Stage
test.beforeEach(async ({ browser }) => {
  stage = await Stage.start(browser)
})
test.afterEach(() => stage.stop())

/** Ana and Ben, connected and talking. */
async function talking(): Promise<[Talker, Talker]> {
  const [ana, ben] = [await stage.person('ana'), await stage.person('ben')]
  for (const p of [ana, ben]) await p.expectTransport('websocket')
  for (const p of [ana, ben]) await p.talk()
  for (const p of [ana, ben]) await p.more('heard', 4)
  return [ana, ben]
}

const failures = [['break', 'websocket'], ['fallSilent', 'websocket'], ['break', 'sse'], ['fallSilent', 'sse']] as const
for (const [failing, transport] of failures) {
  test(`a network that ${failing === 'break' ? 'breaks' : 'falls silent'} for ${away} s under ${transport} loses nothing in either direction`, async () => {
    const [ana, ben] = await talking()
    if (transport === 'sse') {
      ana.network.webSockets('answer 403')
      await ana.expectTransport('sse')
      await ana.more('heard', 4)
    }
    ana.network[failing]()
    const until = Date.now() + away * 1000
    await ben.more('said', 5)
    await ana.more('said', 5) // the page goes on
    if (failing === 'break') await ana.expectAway()
    await expect.poll(() => Date.now(), { timeout: 60_000, intervals: [200] }).toBeGreaterThan(until)
    expect(await ana.waiting()).toBeGreaterThan(5)
    await ana.mend()
    await ana.expectTransport(transport)
    for (const p of [ana, ben]) await p.more('heard', 5)
    await expectAllHeard(ana, ben)
  })
}

test('what waits in the outbox outlives a reload without a network', async () => {
  const [ana, ben] = await talking()
  ana.network.break()
  await ana.expectAway()
  await ana.more('said', 5)
  await ana.hush()
  await expect.poll(() => ana.waiting()).toBeGreaterThan(4)
  const waiting = await ana.waiting()
  await ana.page.reload()
  await expect.poll(() => ana.waiting(), 'what waits after the reload').toBe(waiting)
  await ana.say('after the reload')
  await ana.mend()
  await ana.expectTransport('websocket')
  await ana.say('online again')
  await expectAllHeard(ana, ben)
})

for (const how of ['answer 403', 'hang up'] as const) {
  test(`WebSockets blocked from the start (${how}): event streams do, until WebSocket comes through`, async () => {
    const network = await stage.network()
    network.webSockets(how)
    const [ana, ben] = [await stage.person('ana', { network }), await stage.person('ben')]
    await ana.expectTransport('sse')
    await ben.expectTransport('websocket')
    for (const p of [ana, ben]) await p.talk()
    for (const p of [ana, ben]) await p.more('heard', 8)
    network.webSockets('let through')
    await ana.expectTransport('websocket', 60)
    for (const p of [ana, ben]) await p.more('heard', 5)
    await expectAllHeard(ana, ben)
    expect(await ana.notes('transports')).toEqual(['offline', 'sse', 'websocket'])
  })
}

test('WebSockets blocked in mid-session: to event streams and back without loss or repeats', async () => {
  const [ana, ben] = await talking()
  for (const p of [ana, ben]) p.network.webSockets('answer 403')
  for (const p of [ana, ben]) await p.expectTransport('sse')
  for (const p of [ana, ben]) await p.more('heard', 8)
  for (const p of [ana, ben]) p.network.webSockets('let through')
  for (const p of [ana, ben]) await p.mend() // another network, say: then WebSocket is tried at once
  for (const p of [ana, ben]) await p.expectTransport('websocket', 60)
  for (const p of [ana, ben]) await p.more('heard', 5)
  await expectAllHeard(ana, ben)
})

for (const transport of ['websocket', 'sse'] as const) {
  test(`the broker is killed and started again under ${transport}`, async () => {
    const [ana, ben] = await talking()
    if (transport === 'sse') {
      for (const p of [ana, ben]) p.network.webSockets('hang up')
      for (const p of [ana, ben]) await p.expectTransport('sse')
      for (const p of [ana, ben]) await p.more('heard', 2)
    }
    await stage.broker.kill()
    for (const p of [ana, ben]) await p.expectAway()
    for (const p of [ana, ben]) await p.more('said', 3)
    await stage.broker.restart()
    for (const p of [ana, ben]) await p.expectTransport(transport, 60)
    for (const p of [ana, ben]) await p.more('heard', 5)
    await expectAllHeard(ana, ben)
  })
}

test('tokens that run out are renewed without a gap, over WebSocket and over event streams', async () => {
  stage.ttl = 12
  const blocked = await stage.network()
  blocked.webSockets('answer 403')
  const [ana, ben] = [await stage.person('ana', { tokens: true }), await stage.person('ben', { tokens: true, network: blocked })]
  await ana.expectTransport('websocket')
  await ben.expectTransport('sse')
  const firstEnds = stage.tokensEnd.slice(0, 2)
  for (const p of [ana, ben]) await p.talk()
  await expect.poll(() => Date.now(), { timeout: 60_000, intervals: [200] }).toBeGreaterThan(Math.max(...firstEnds) + 1000)
  for (const p of [ana, ben]) await p.more('heard', 3)
  await expectAllHeard(ana, ben)
  expect(await ana.notes('transports')).toEqual(['offline', 'websocket'])
  expect(await ben.notes('transports')).toEqual(['offline', 'sse'])
  expect(stage.tokensEnd.length).toBeGreaterThan(3)
})

test('a token that runs out while there is no network: the next connection brings a fresh one', async () => {
  stage.ttl = 3
  const [ana, ben] = [await stage.person('ana', { tokens: true }), await stage.person('ben')]
  for (const p of [ana, ben]) await p.expectTransport('websocket')
  for (const p of [ana, ben]) await p.talk()
  await ben.more('heard', 3)
  ana.network.break()
  await ana.expectAway()
  const ends = Math.max(...stage.tokensEnd)
  await expect.poll(() => Date.now(), { timeout: 60_000, intervals: [200] }).toBeGreaterThan(ends + 500)
  stage.ttl = 60
  await ana.mend()
  await ana.expectTransport('websocket')
  await ana.more('heard', 3)
  await expectAllHeard(ana, ben)
})

test('three tabs of one user: each hears everything once, and what a closed one has left the others send', async () => {
  const [network, context] = [await stage.network(), await stage.context()]
  const tabs = [await stage.person('ana', { network, context }), await stage.person('ana', { network, context }), await stage.person('ana', { network, context })]
  const ben = await stage.person('ben')
  for (const p of [...tabs, ben]) await p.expectTransport('websocket')
  const [first, second, third] = tabs as [Talker, Talker, Talker]
  await first.say('first tab')
  await second.say('second tab')
  await ben.say('to all')
  for (const p of tabs) await p.more('heard', 0)
  await expect.poll(async () => (await ben.notes('heard')).length).toBe(3)
  network.break()
  for (const p of tabs) await p.expectAway()
  for (const text of ['left 1', 'left 2', 'left 3']) await third.say(text)
  await expect.poll(() => third.waiting()).toBe(3)
  await third.page.close()
  await ben.say('meanwhile')
  network.mend()
  for (const p of [first, second]) await p.mend()
  for (const p of [first, second]) await p.expectTransport('websocket')
  const all = ['first tab', 'left 1', 'left 2', 'left 3', 'meanwhile', 'second tab', 'to all']
  for (const p of [first, second, ben]) {
    await expect.poll(async () => (await p.notes('heard')).length, { timeout: 45_000 }).toBeGreaterThanOrEqual(all.length)
    const heard = await p.notes('heard')
    expect([...heard].sort()).toEqual(all)
    expect(heard.filter((text) => text.startsWith('left'))).toEqual(['left 1', 'left 2', 'left 3'])
    expect(await p.waiting()).toBe(0)
    expect(await p.notes('errors')).toEqual([])
  }
})
