// What one does in the rooms beside the three great flows: groups, invitations, a challenge's board in its parts, a
// trainer's overview. One broker for all; each test has people's own browsers.
import { expect, test, type Browser, type Page } from '@playwright/test'
import { Broker } from './broker.js'
import { openAt, visit } from './page.js'
import { ana, ben, prepare, rest, tess, type Person } from './scene.js'

let broker: Broker
let ends: (() => Promise<void>)[] = []

test.beforeAll(async () => {
  broker = await Broker.start('quotas: {member: {chatBurst: 0}, trainer: {chatBurst: 0}}')
  await prepare(broker)
  await broker.api('PUT', '/links/tess/ana', {})
  await broker.api('PUT', '/links/tess/ben', {})
})

test.afterAll(async () => broker.stop())

test.afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
})

const open = (browser: Browser, who: Person, place: string): Promise<Page> => openAt(browser, broker, who, place, ends)

const publish = (who: Person, topic: string, payload: unknown): Promise<unknown> => rest(broker, who, 'POST', '/publish', { topic, qos: 1, payload })

test('a group: made, written in, renamed, somebody taken out, left', async ({ browser }) => {
  const [atTess, atAna] = [await open(browser, tess, '#/chat'), await open(browser, ana, '#/chat')]
  await atTess.locator('summary', { hasText: 'Write to somebody' }).click()
  const make = atTess.getByRole('region', { name: 'New group' })
  for (const id of ['ana', 'ben']) {
    await make.getByRole('combobox', { name: 'Add somebody' }).fill(id)
    await make.getByRole('button', { name: 'Add', exact: true }).click()
  }
  await make.getByRole('textbox', { name: 'Name of the group' }).fill('Early birds')
  await make.getByRole('button', { name: 'Make group' }).click()
  await expect(atTess.getByRole('heading', { name: 'Early birds' })).toBeVisible()
  await atTess.getByRole('textbox', { name: 'Message' }).fill('Six o’clock')
  await atTess.getByRole('textbox', { name: 'Message' }).press('Enter')
  await atAna.getByRole('link', { name: /Early birds/ }).click()
  await expect(atAna.getByRole('log')).toContainText('Six o’clock')
  await expect(atTess.getByTestId('reach')).toHaveText('read by 1 of 2')

  await atTess.getByRole('button', { name: 'Group', exact: true }).click()
  await atTess.getByRole('form', { name: 'Rename' }).getByRole('textbox').fill('Night owls')
  await atTess.getByRole('button', { name: 'Rename' }).click()
  await expect(atTess.getByRole('heading', { name: 'Night owls' })).toBeVisible()
  await atTess.getByRole('button', { name: 'Remove Ben Okafor' }).click()
  await atTess.getByRole('button', { name: 'Yes' }).click()
  await expect(atTess.getByTestId('group-member')).toHaveCount(2)
  await expect(atTess.getByTestId('reach')).toHaveCount(0) // of two others one is left, and the tick says it
  await expect(atTess.getByTestId('ticks')).toHaveAttribute('data-state', 'read')

  await atAna.getByRole('button', { name: 'Group', exact: true }).click()
  await expect(atAna.getByText('Only Tess Morgan changes this group.')).toBeVisible()
  await expect(atAna.getByRole('button', { name: /Remove|Rename/ })).toHaveCount(0)
  await atAna.getByRole('button', { name: 'Leave the group' }).click()
  await atAna.getByRole('button', { name: 'Yes' }).click()
  await expect(atAna.getByText('Choose a conversation.')).toBeVisible()
  await expect(atAna.getByRole('link', { name: /birds|owls/ })).toHaveCount(0)
})

test('messages: earlier ones come when one scrolls up, without a jump; what was refused is sent again', async ({ browser }) => {
  for (let i = 1; i <= 120; i++) await publish(i % 2 === 0 ? ana : tess, 'chat/ana.tess/message', { content: `line ${i}`, messageId: `l${i}` })
  const page = await open(browser, ana, '#/chat/with/tess')
  const log = page.getByRole('log', { name: 'Messages' })
  await expect(log.getByText('line 120', { exact: true })).toBeInViewport()
  await expect(log.getByText('line 71', { exact: true })).toBeAttached()
  await expect(log.getByText('line 70', { exact: true })).not.toBeAttached()
  await log.evaluate((box) => (box.scrollTop = 0))
  await expect(log.getByText('line 21', { exact: true })).toBeAttached()
  await expect(log.getByText('line 71', { exact: true })).toBeInViewport() // where one was reading
  await expect(log.getByText('line 120', { exact: true })).not.toBeInViewport()
  await expect(log.locator('[data-seq="120"] [data-testid=ticks]')).toHaveAttribute('data-state', /stored|delivered|read/)

  // Blocked, one is refused like a stranger; when that is over the same message goes out, once.
  await rest(broker, tess, 'PUT', '/me/blocks/ana', {})
  await page.getByRole('textbox', { name: 'Message' }).fill('Are you there?')
  await page.getByRole('textbox', { name: 'Message' }).press('Enter')
  const mine = log.getByRole('listitem').filter({ hasText: 'Are you there?' })
  await expect(mine).toContainText('Not sent:')
  await rest(broker, tess, 'DELETE', '/me/blocks/ana', {})
  await mine.getByRole('button', { name: 'Send again' }).click()
  await expect(mine.getByTestId('ticks')).toHaveAttribute('data-state', /stored|delivered|read/)
  await expect(mine).toHaveCount(1)
})

test('a session by invitation: counted down, somebody invited and removed; zones are everybody’s own', async ({ browser }) => {
  await broker.api('PUT', '/users/ben/preferences', { maxHeartRate: 200 })
  await broker.api('PUT', '/sessions/hills', {
    kind: 'workout', title: 'Hill repeats', host: 'ana', visibility: 'invite', startsAt: new Date(Date.now() + 3_600_000).toISOString(),
  })
  const [atAna, atBen] = [await open(browser, ana, '#/live/hills'), await open(browser, ben, '#/live/hills')]
  await expect(atAna.getByRole('timer')).toContainText(/Starts in (59:|1 h)/)
  await expect(atBen.getByTestId('session-denied')).toBeVisible()
  await atAna.getByTestId('members').locator('summary').click()
  await atAna.getByRole('combobox', { name: 'Invite somebody' }).fill('ben')
  await atAna.getByRole('button', { name: 'Invite', exact: true }).click()
  await expect(atAna.getByTestId('member')).toHaveCount(2)
  await atBen.getByRole('button', { name: 'Try again' }).click()
  await expect(atBen.getByTestId('session-title')).toHaveText('Hill repeats')
  await atAna.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(atBen.getByTestId('session-state')).toHaveText('In progress')
  await publish(ben, 'session/hills/progress/ben', {
    seq: 1, timestamp: new Date().toISOString(), elapsedTime: 60, sport: 'running', status: 'active', heartRate: 150, distance: 200,
  })
  const tile = atAna.locator('[data-testid=tile][data-user=ben]')
  await expect(tile).toHaveAttribute('data-zone', '3')
  await expect(tile).toContainText('Zone 3')
  await broker.api('PUT', '/users/ben/preferences', { maxHeartRate: 160 })
  await expect(tile).toContainText('Zone 5')
  await atAna.getByRole('button', { name: 'Remove Ben Okafor' }).click()
  await atAna.getByRole('button', { name: 'Yes' }).click()
  await expect(atBen.getByTestId('session-denied')).toBeVisible()
  await atAna.getByRole('button', { name: 'End', exact: true }).click()
  await expect(atAna.getByTestId('summary')).toBeVisible()
  await expect(atAna.getByTestId('other-summary')).toContainText('Ben Okafor')
})

test('a challenge: teams, yesterday’s board, around me, withdrawn, and reviewed', async ({ browser }) => {
  const day = (n: number): string => new Date(Math.floor(Date.now() / 86_400_000 + n) * 86_400_000).toISOString()
  await broker.api('PUT', '/challenges/daily', {
    title: 'Every day', organizer: 'tess', visibility: 'open', metric: 'distance', period: 'daily', startsAt: day(-2), endsAt: day(5), goal: 5000, goalOf: 'each',
    teams: [{ id: 'red', name: 'Red shoes', members: ['ana'] }, { id: 'blue', name: 'Blue shoes', members: ['ben'] }],
  })
  for (const p of [ana, ben]) await broker.api('PUT', `/challenges/daily/participants/${p.id}`, {})
  const handIn = (who: Person, activityId: string, metres: number, endsAt: number): Promise<unknown> => publish(who, 'challenge/daily/activity', {
    activityId, sport: 'running', startTime: new Date(endsAt - 900_000).toISOString(), totalElapsedTime: 900, totalDistance: metres,
  })
  await handIn(ana, 'yesterday', 4321, Date.parse(day(0)) - 3_600_000)
  await handIn(ben, 'today', 3000, Date.now())
  await handIn(ana, 'slow', 2500, Date.now())
  await handIn(ana, 'odd', 7000, Date.now())
  const [atAna, atTess] = [await open(browser, ana, '#/challenges/daily'), await open(browser, tess, '#/challenges/daily')]
  const board = atAna.getByTestId('challenge')
  await expect(board.getByRole('row').first()).toContainText('Ana Ferreira')
  await expect(atAna.getByTestId('challenge-goal')).toHaveAttribute('data-progress', '1.9')
  await board.getByRole('button', { name: 'Teams' }).click()
  await expect(board.getByRole('row').first()).toContainText('Red shoes')
  await board.getByRole('button', { name: 'Around me' }).click()
  await expect(board.getByRole('row').filter({ hasText: 'Ana Ferreira' })).toBeVisible()
  await board.getByRole('button', { name: 'Top' }).click()
  await board.getByRole('combobox').selectOption({ index: 1 })
  await expect(board.getByRole('row')).toHaveCount(1)
  await expect(board.getByRole('row')).toContainText('4.32')
  await board.getByRole('combobox').selectOption({ index: 0 })

  // What looks odd counts until the organizer takes it out.
  const odd = atTess.getByTestId('organizer').getByTestId('handed-in')
  await expect(odd).toHaveCount(1)
  await odd.getByRole('button', { name: 'Take out' }).click()
  await expect(odd).toHaveAttribute('data-fate', 'barred')
  await expect(board.getByRole('row').first()).toContainText('Ben Okafor')
  const mine = atAna.getByTestId('my-activities')
  await expect(mine.locator('[data-activity=odd]')).toHaveAttribute('data-fate', 'barred')
  await mine.locator('[data-activity=slow]').getByRole('button', { name: /^Withdraw/ }).click()
  await mine.getByRole('button', { name: 'Yes' }).click()
  await expect(mine.locator('[data-activity=slow]')).toHaveAttribute('data-fate', 'withdrawn')
  await expect(board.getByRole('row')).toHaveCount(1)
  await board.getByRole('button', { name: 'Around me' }).click()
  await expect(board).toContainText('You are not on this board yet')
})

test('who organizes a challenge without taking part hands nothing in, until they join; who leaves may look on', async ({ browser }) => {
  await broker.api('PUT', '/challenges/walk', {
    title: 'Walk more', organizer: 'tess', visibility: 'open', metric: 'distance', goal: 5000, goalOf: 'each', awards: [{ threshold: 1000, title: 'The first' }],
    startsAt: new Date(Date.now() - 3_600_000).toISOString(), endsAt: new Date(Date.now() + 86_400_000).toISOString(),
  })
  await broker.api('PUT', '/challenges/walk/participants/ana', {})
  const page = await open(browser, tess, '#/challenges/walk')
  const form = page.getByRole('button', { name: 'Hand in' })
  await expect(page.getByTestId('challenge-participants')).toHaveAttribute('data-count', '1')
  await expect(page.getByTestId('organizer')).toBeVisible()
  await expect(page.getByTestId('award-step')).toHaveText(/The first1.00 km/)
  for (const own of [form, page.getByTestId('my-activities'), page.getByTestId('challenge-goal'), page.getByRole('button', { name: 'Leave' })]) await expect(own).toHaveCount(0)
  await page.getByRole('button', { name: 'Join the challenge' }).click()
  await expect(form).toBeVisible()
  await expect(page.getByTestId('challenge-goal')).toBeVisible()
  await page.reload()
  await expect(form).toBeVisible() // the participants' list says so
  await page.getByLabel('Minutes').fill('20')
  await page.getByLabel('Distance in km').fill('2')
  await form.click()
  await expect(page.getByTestId('my-rank')).toHaveAttribute('data-score', '2000')
  await page.getByRole('button', { name: 'Leave' }).click()
  await page.getByRole('button', { name: 'Yes' }).click()
  await expect(form).toHaveCount(0)
  await expect(page.getByTestId('organizer')).toBeVisible()
})

test('the list of sessions says by itself that one has started, and that one is over', async ({ browser }) => {
  await broker.api('PUT', '/sessions/dawn', {
    kind: 'workout', title: 'Dawn run', host: 'tess', visibility: 'open', startsAt: new Date(Date.now() + 8_000).toISOString(),
  })
  const page = await open(browser, ana, '#/live')
  const row = page.locator('[data-testid=session-link][data-session=dawn]')
  await expect(row).toContainText('Scheduled')
  await expect(row).toContainText('by Tess')
  await expect(row).toContainText('In progress', { timeout: 30_000 })
  await broker.api('POST', '/sessions/dawn/control', { action: 'end' })
  await expect(row).toContainText('Finished', { timeout: 60_000 })
})

test('a trainer sees who trains, and says a quick word that is seen', async ({ browser }) => {
  await broker.api('PUT', '/sessions/legs', { kind: 'training', title: 'Leg day', host: 'tess', trainer: 'tess', visibility: 'open' })
  const [atTess, atAna] = [await open(browser, tess, '#/training'), await open(browser, ana, '#/training/legs')]
  await expect(atAna.getByTestId('session-state')).toHaveText('In progress')
  await visit(atTess, '#/training/legs')
  await expect(atTess.getByRole('img', { name: /squat.*knee marked/i })).toBeVisible() // as the form says from the start
  await visit(atTess, '#/training')
  await publish(ana, 'session/legs/progress/ana', {
    seq: 1, timestamp: new Date().toISOString(), elapsedTime: 60, sport: 'training', status: 'active', heartRate: 120, repetitions: 12,
  })
  const tile = atTess.locator('[data-testid=client][data-user=ana]')
  await expect(tile).toContainText('120')
  await expect(tile).toContainText('Zone 2')
  await expect(tile).toContainText('12 repetitions')
  await expect(atTess.getByTestId('training-now')).toHaveText('One trains right now.')
  await expect(atTess.getByTestId('client').first()).toHaveAttribute('data-user', 'ana') // before Ben, who does not train
  await tile.getByLabel('What to say').selectOption({ label: 'Back straight' })
  await tile.getByRole('button', { name: 'Send' }).click()
  await expect(tile.getByTestId('last-correction')).toContainText('Back straight')
  await expect(atAna.getByRole('article')).toContainText('Back straight')
  await expect(atAna.getByRole('img', { name: /deadlift.*spine marked/i })).toBeVisible()
  await atAna.getByRole('button', { name: 'Got it' }).click()
  await expect(tile.getByTestId('last-correction')).toHaveAttribute('data-state', 'seen')

  // One's own words are about what she is at, and mark nothing that the trainer has not named.
  await tile.getByLabel('Or in your own words').fill('Breathe out on the way up')
  await tile.getByRole('button', { name: 'Send' }).click()
  await expect(atAna.getByRole('article').first()).toContainText('Breathe out on the way up')
  await expect(atAna.getByRole('article').first()).toContainText('Deadlift')
  await expect(atAna.getByRole('img', { name: /marked/i })).toHaveCount(0)
})
