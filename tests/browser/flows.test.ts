// What the app is for, each flow in browsers of two people and more at once: a workout shared live, a challenge, a
// trainer's feedback, chat, a partner found. Things are found as people find them: by role and name.
import { expect, test, type Browser, type Page } from '@playwright/test'
import { Broker } from './broker.js'
import { openAt, visit } from './page.js'
import { ana, Athlete, ben, link, notify, password, prepare, rest, session, tess, type Person } from './scene.js'

let broker: Broker
let ends: (() => Promise<void>)[] = []

test.beforeEach(async () => {
  broker = await Broker.start()
  await prepare(broker)
  await broker.api('PUT', '/links/tess/ana', {})
  await broker.api('PUT', '/sessions/legs', { kind: 'training', title: 'Leg day', host: 'tess', trainer: 'tess', visibility: 'open' })
  await broker.api('POST', '/sessions/legs/control', { action: 'start' })
})

test.afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
  await broker.stop()
})

const open = (browser: Browser, who: Person, place: string): Promise<Page> => openAt(browser, broker, who, place, ends)

async function watch(who: Person): Promise<Athlete> {
  const made = await Athlete.connect(broker, who)
  ends.push(() => made.leave())
  return made
}

/** Keeps a picture of how a flow ended. */
async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `screenshots/${name}.png` })
}

test('live workout: two share theirs, and who joins late sees everything at once', async ({ browser }) => {
  const [atAna, atBen] = [await open(browser, ana, `#/live/${session}`), await open(browser, ben, `#/live/${session}`)]
  const [a, b] = [await watch(ana), await watch(ben)]
  await b.send(60, { distance: 250, speed: 4.1, heartRate: 171 })
  await a.send(60, { distance: 240, speed: 4, heartRate: 149 })
  for (const page of [atAna, atBen]) await expect(page.getByText('Ben Okafor leads')).toBeVisible()
  await a.send(120, { distance: 510, speed: 4.4, heartRate: 166 })
  await b.send(120, { distance: 495, speed: 4, heartRate: 173 })
  for (const page of [atAna, atBen]) {
    await expect(page.getByText('Ana Ferreira leads')).toBeVisible()
    await expect(page.getByRole('listitem').filter({ hasText: 'Ben Okafor' }).filter({ hasText: '173' })).toBeVisible()
  }
  const late = await open(browser, tess, `#/live/${session}`)
  await expect(late.getByText('Ana Ferreira leads')).toBeVisible()
  const tiles = late.getByTestId('tiles')
  await expect(tiles.getByRole('listitem').filter({ hasText: 'Ana Ferreira' })).toContainText('166')
  await expect(tiles.getByRole('listitem').filter({ hasText: 'Ben Okafor' })).toContainText('173')
  for (const page of [atAna, atBen, late]) await expect(page.getByTestId('roster')).toHaveAttribute('data-count', '3')

  await late.getByRole('textbox', { name: 'Say something' }).fill('Two laps to go')
  await late.getByRole('textbox', { name: 'Say something' }).press('Enter')
  for (const page of [atAna, atBen]) await expect(page.getByRole('log', { name: 'Session chat' })).toContainText('Two laps to go')
  await picture(atBen, 'flow-live')
})

test('challenge: activities handed in move both boards', async ({ browser }) => {
  const [atAna, atBen] = [await open(browser, ana, '#/challenges/spring'), await open(browser, ben, '#/challenges/spring')]
  const handIn = async (page: Page, minutes: string, kilometres: string): Promise<void> => {
    const form = page.getByRole('form', { name: 'Hand in an activity' })
    await form.getByLabel('Minutes').fill(minutes)
    await form.getByLabel('Distance in km').fill(kilometres)
    await form.getByRole('button', { name: 'Hand in' }).click()
    await expect(form.getByRole('status')).toContainText('Handed in')
  }
  await handIn(atAna, '30', '6.5')
  await handIn(atBen, '40', '8')
  for (const page of [atAna, atBen]) {
    const rows = page.getByRole('table', { name: 'Challenge leaderboard' }).getByRole('row')
    await expect(rows.nth(0)).toContainText('Ben Okafor')
    await expect(rows.nth(1)).toContainText('Ana Ferreira')
  }
  await expect(atAna.getByText('Place 2 of')).toBeVisible()
  await handIn(atAna, '25', '5')
  for (const page of [atAna, atBen]) {
    await expect(page.getByRole('table', { name: 'Challenge leaderboard' }).getByRole('row').nth(0)).toContainText('Ana Ferreira')
  }
  await expect(atAna.getByText('Place 1 of')).toBeVisible()
  await expect(atBen.getByText('Place 2 of')).toBeVisible()
  await picture(atAna, 'flow-challenge')
})

test('trainer feedback: a correction is seen at once, and that it was seen comes back', async ({ browser }) => {
  const [atAna, atTess] = [await open(browser, ana, '#/training/legs'), await open(browser, tess, '#/training/legs')]
  const form = atTess.getByRole('form', { name: 'Send a correction' })
  await form.getByRole('combobox', { name: 'To', exact: true }).selectOption('ana')
  await form.getByRole('combobox', { name: 'Exercise' }).selectOption('squat')
  await form.getByRole('combobox', { name: 'Joint' }).selectOption('knee')
  await form.getByLabel(/^Measured/).fill('72')
  await form.getByLabel('Target from').fill('85')
  await form.getByLabel('Target to').fill('100')
  await form.getByRole('textbox', { name: 'Cue' }).fill('Deeper, knees over the toes')
  await form.getByRole('button', { name: 'Send correction' }).click()

  const correction = atAna.getByRole('article').filter({ hasText: 'Deeper, knees over the toes' })
  await expect(correction).toBeVisible()
  await expect(correction).toContainText('72')
  await expect(atAna.getByRole('img', { name: /squat.*knee marked/i })).toBeVisible()
  await picture(atAna, 'flow-training')
  await correction.getByRole('button', { name: 'Got it' }).click()
  await expect(atTess.getByRole('article').filter({ hasText: 'Deeper, knees over the toes' })).toContainText('Seen')
})

test('chat: ticks for delivered and read, and what is unread', async ({ browser }) => {
  const [atAna, atBen] = [await open(browser, ana, '#/chat/with/ben'), await open(browser, ben, `#/live/${session}`)]
  await atAna.getByRole('textbox', { name: 'Message' }).fill('Same time tomorrow?')
  await atAna.getByRole('button', { name: 'Send' }).click()
  const mine = atAna.getByRole('log').getByRole('listitem').filter({ hasText: 'Same time tomorrow?' })
  await expect(mine.getByText('Delivered')).toBeAttached()
  await expect(atBen.getByRole('link', { name: /Chat.*1.*unread/ })).toBeVisible()
  await visit(atBen, '#/chat/with/ana')
  await expect(atBen.getByRole('log')).toContainText('Same time tomorrow?')
  await expect(mine.getByText('Read')).toBeAttached()
  await expect(atBen.getByRole('link', { name: /Chat.*unread/ })).toHaveCount(0)
  await picture(atAna, 'flow-chat')
})

test('chat: that somebody is writing shows at the other one, and goes away', async ({ browser }) => {
  const [atAna, atBen] = [await open(browser, ana, '#/chat/with/ben'), await open(browser, ben, '#/chat/with/ana')]
  const box = atAna.getByRole('textbox', { name: 'Message' })
  await box.fill('Hello')
  await box.press('Enter')
  // That Ben has read it says that his page is in the conversation: a sign that comes before is told to nobody.
  await expect(atAna.getByRole('log').getByText('Read')).toBeAttached()
  const [sign, mine] = [atBen.getByTestId('typing'), atAna.getByTestId('typing')]

  await box.fill('Same time tomorrow?') // one sign is enough, also right behind a message
  await expect(sign).toHaveText('Ana Ferreira is writing…')
  await expect(mine).toHaveText('')
  await box.fill('')
  await expect(sign).toHaveText('')

  await box.fill('Same time')
  await expect(sign).toHaveText('Ana Ferreira is writing…')
  await box.press('Enter')
  await expect(atBen.getByRole('log')).toContainText('Same time')
  await expect(sign).toHaveText('')

  await box.fill('And bring')
  await expect(sign).toHaveText('Ana Ferreira is writing…')
  await visit(atAna, '#/chat')
  await expect(sign).toHaveText('')

  await visit(atAna, '#/chat/with/ben')
  await box.fill('a')
  await expect(sign).toHaveText('Ana Ferreira is writing…')
  await expect(sign).toHaveText('') // whoever falls silent is forgotten
})

test('notifications: told at once, counted on every page, replaced, read, held back in quiet hours, kept for who is away', async ({ browser }) => {
  await broker.api('PUT', '/users/planner', { name: 'Planner', role: 'service', password: password({ id: 'planner' }) })
  const first = await open(browser, ana, `#/live/${session}`)
  const second = await first.context().newPage()
  await second.goto(link(broker, ana))
  await expect(second.getByTestId('connection')).toHaveAttribute('data-state', 'live')
  const badge = (page: Page, n: number) => expect(page.getByTestId('badge-notifications')).toHaveText(n === 0 ? [] : [`${n} unread`])
  await rest(broker, ana, 'POST', '/me/notifications/read', { all: true }) // the broker's own, of what was prepared
  for (const page of [first, second]) await badge(page, 0)
  const before = await inboxOf(ana)

  await notify(broker, tess, ana, { content: 'Your plan for May is ready', kind: 'training', collapseKey: 'plan', messageId: 'plan-1' })
  for (const page of [first, second]) {
    await expect(page.getByTestId('notice').filter({ hasText: 'Your plan for May is ready' })).toBeVisible()
    await badge(page, 1)
  }
  await notify(broker, tess, ana, { content: 'Your plan for May has changed', kind: 'training', collapseKey: 'plan', messageId: 'plan-2' })
  await expect(first.getByTestId('notice').filter({ hasText: 'has changed' })).toBeVisible()
  await badge(first, 1)

  await visit(first, '#/inbox')
  const list = first.getByRole('region', { name: 'Notifications' }).getByRole('listitem')
  await expect(list).toHaveCount(before.items.length + 1)
  await expect(list.first()).toContainText('Your plan for May has changed')
  await list.first().getByRole('button', { name: 'Mark as read' }).click()
  for (const page of [first, second]) await badge(page, 0)
  await expect.poll(async () => (await inboxOf(ana)).unread).toBe(0)
  expect((await inboxOf(ana)).items[0]).toMatchObject({ messageId: 'plan-2', read: true, senderId: 'tess' })

  // In quiet hours it waits, unless it is urgent; the inbox has both at once.
  await rest(broker, ana, 'PUT', '/users/ana/preferences', { notifications: { quiet: quietNow() } })
  await visit(first, `#/live/${session}`)
  await notify(broker, { id: 'planner' }, ana, { content: 'New shoes are in the shop', messageId: 'shop' })
  await notify(broker, { id: 'planner' }, ana, { content: 'The track is closed today', priority: 'urgent', messageId: 'closed' })
  await expect(first.getByTestId('notice').filter({ hasText: 'The track is closed' })).toBeVisible()
  await badge(first, 2)
  await expect(first.getByTestId('notice').filter({ hasText: 'New shoes' })).toHaveCount(0)
  await rest(broker, ana, 'PUT', '/users/ana/preferences', {})

  // Away, and back: it is there, and counted.
  await first.context().close()
  await notify(broker, { id: 'planner' }, ana, { content: 'Rain at noon, run in the morning', kind: 'reminder', messageId: 'rain' })
  const back = await open(browser, ana, '#/inbox')
  await badge(back, 3)
  await expect(back.getByTestId('notification').first()).toContainText('Rain at noon')
  await expect(back.getByTestId('notification')).toHaveCount(before.items.length + 4)
  await picture(back, 'flow-inbox')
})

interface InboxPage {
  items: { messageId: string; read: boolean }[]
  unread: number
}

async function inboxOf(who: Person): Promise<InboxPage> {
  return (await rest(broker, who, 'GET', '/me/notifications')) as InboxPage
}

/** Quiet hours around now, by the clock of UTC. */
function quietNow(): { start: string; end: string } {
  const clock = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16)
  return { start: clock(-2), end: clock(2) }
}

test('partners: two who look are proposed to each other, and matched when both accept', async ({ browser }) => {
  const [atAna, atBen] = [await open(browser, ana, '#/partners'), await open(browser, ben, '#/partners')]
  for (const page of [atAna, atBen]) await page.getByRole('button', { name: 'Start looking' }).click()
  await atAna.getByRole('button', { name: /^Accept/ }).click()
  await expect(atAna.getByText('Waiting for the other one')).toBeVisible()
  await atBen.getByRole('button', { name: /^Accept/ }).click()
  for (const page of [atAna, atBen]) await expect(page.getByText('It is a match')).toBeVisible()
  await picture(atAna, 'flow-partners')
  await atAna.getByRole('link', { name: 'Write' }).click()
  await atAna.getByRole('textbox', { name: 'Message' }).fill('Shall we run?')
  await atAna.getByRole('textbox', { name: 'Message' }).press('Enter')
  await expect(atBen.getByRole('link', { name: /Chat.*1.*unread/ })).toBeVisible()
})
