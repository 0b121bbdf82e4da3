// Every view of the app: where it is, who looks at it, and what is there once it is.
import { expect, type Locator, type Page } from '@playwright/test'
import { ana, ben, session, tess, type Person } from './scene.js'
import { root, type World } from './world.js'

export interface View {
  /** Unique; the name of its pictures. */
  readonly name: string
  /** Nobody has signed in where it is missing. */
  readonly who?: Person
  readonly place: string
  /** What says that the view is there, all of it. */
  readonly there: (page: Page) => Locator
  /** What is done first, once the place is entered. */
  readonly first?: (page: Page, world: World) => Promise<unknown>
  /** In which look docs/images has it. */
  readonly shown?: 'desktop-light' | 'desktop-dark' | 'phone-light' | 'phone-dark'
  /** What is done before each look. */
  readonly each?: (page: Page, world: World) => Promise<unknown>
  /** What is done at the end. */
  readonly last?: (page: Page, world: World) => Promise<unknown>
}

const heading = (name: string | RegExp) => (page: Page): Locator => page.getByRole('heading', { name })
const link = (name: string | RegExp) => (page: Page): Locator => page.getByRole('link', { name })

const anas: readonly Omit<View, 'who'>[] = [
  { name: 'live-list', place: '#/live', there: link(/Sunday long run/) },
  {
    name: 'live', shown: 'desktop-light', place: `#/live/${session}?challenge=spring`, there: (page) => page.locator('[data-testid=leader][data-user=ana]'),
    each: (_, world) => world.run(1), // numbers that are not old
    first: (_, world) => world.run(20), // long enough for a line, and for Ana to pass Ben
  },
  { name: 'live-ended', place: '#/live/sunday', there: (page) => page.getByTestId('summary').getByText('Place 1 of') },
  { name: 'live-denied', place: '#/live/closed', there: (page) => page.getByTestId('session-denied') },
  { name: 'challenges', place: '#/challenges', there: link(/Hundred kilometres/) },
  { name: 'challenge', shown: 'desktop-light', place: '#/challenges/spring', there: (page) => page.getByTestId('my-rank') },
  { name: 'challenge-outside', place: '#/challenges/daily', there: (page) => page.getByRole('button', { name: 'Join the challenge' }) },
  { name: 'trainings', place: '#/training', there: link(/Leg day/) },
  {
    name: 'training', shown: 'desktop-dark', place: '#/training/legs', there: (page) => page.getByRole('article').getByRole('button', { name: 'Got it' }),
    first: async (page, world) => {
      await expect(page.getByTestId('roster')).toHaveAttribute('data-count', '1') // in: what comes next is seen
      await world.correct()
    },
  },
  { name: 'chat', place: '#/chat', there: link(/Track crew/) },
  { name: 'conversation', shown: 'phone-light', place: '#/chat/with/ben', there: (page) => page.getByRole('log').getByText('you bring the coffee') },
  { name: 'conversation-group', place: '#/chat/crew', there: (page) => page.getByRole('log').getByText('See you there.') },
  { name: 'partners', place: '#/partners', there: (page) => page.getByRole('button', { name: 'Start looking' }) },
  {
    name: 'partners-proposal', shown: 'phone-dark', place: '#/partners', there: (page) => page.getByRole('button', { name: /^Accept/ }),
    first: async (page, world) => {
      await page.getByRole('button', { name: 'Start looking' }).click()
      await world.seek()
    },
  },
  {
    name: 'partners-match', place: '#/partners', there: (page) => page.getByText('It is a match'),
    first: async (page, world) => {
      await page.getByRole('button', { name: /^Accept/ }).click()
      await world.accept()
    },
  },
  { name: 'inbox', shown: 'phone-light', place: '#/inbox', there: (page) => page.getByText('Rain from noon') },
  { name: 'preferences', place: '#/inbox/preferences', there: (page) => page.getByLabel('From'), first: (page) => page.getByLabel('Be quiet between').check() },
  {
    name: 'notice', place: '#/challenges', there: (page) => page.getByTestId('notice'),
    first: (_, world) => world.tell('New shoes are in the shop, and the old ones can be brought back', { messageId: 'shop' }),
  },
  {
    name: 'offline', place: `#/live/${session}`, there: (page) => page.getByTestId('banner'),
    first: async (page) => {
      await expect(page.getByTestId('leader')).toBeVisible()
      await page.context().setOffline(true)
    },
    last: (page) => page.context().setOffline(false),
  },
]

const part = (name: string, there: View['there'], more: Partial<View> = {}): Omit<View, 'who'> => ({
  name: `console-${name}`, place: `#/console${name === 'overview' ? '' : `/${name}`}`, there, ...more,
})

const roots: readonly Omit<View, 'who'>[] = [
  part('overview', (page) => page.getByTestId('chart-connected'), { shown: 'desktop-dark', first: (_, world) => world.run(12) }),
  part('clients', link(/^watch-ana$/)),
  part('client', (page) => page.getByTestId('client-subscriptions'), {
    place: '#/console/clients/watch-ana', first: (page) => page.getByTestId('trace-button').click(),
  }),
  part('dialog', (page) => page.getByRole('dialog'), {
    place: '#/console/clients/watch-ana', first: (page) => page.getByRole('button', { name: 'Disconnect' }).click(),
    last: (page) => page.keyboard.press('Escape'),
  }),
  part('queues', (page) => page.getByText(/What waits for each session/)),
  part('refusals', (page) => page.getByTestId('refusal').first(), { first: (_, world) => world.trespass() }),
  part('boards', link(/Hundred kilometres/)),
  part('board', (page) => page.getByTestId('board').getByRole('row', { name: /Dmitri/ }), { place: '#/console/boards/spring' }),
  part('sessions', (page) => page.getByText('Leg day')),
  part('session', heading(/Members of .*track/i), { place: `#/console/sessions/${session}` }),
  part('users', (page) => page.getByTestId('user-row').first()),
  part('user', (page) => page.getByRole('combobox', { name: 'Role' }), {
    place: '#/console/users', first: (page) => page.getByTestId('user-row').filter({ hasText: 'chiara' }).getByRole('button', { name: 'Change chiara' }).click(),
  }),
  part('webhooks', (page) => page.getByText(/no webhooks/i)),
  part('explain', (page) => page.getByRole('textbox', { name: 'Message or activity id' })),
]

/** All of them, in the order in which they are looked at; each person has one page throughout. */
export const views: readonly View[] = [
  { name: 'sign-in', place: '', there: heading('Train together') },
  { name: 'sign-in-token', place: '', there: (page) => page.getByLabel('Token', { exact: true }), first: (page) => page.getByRole('button', { name: 'Use a token instead' }).click() },
  ...anas.map((v) => ({ ...v, who: ana })),
  { name: 'live-participant', who: ben, place: `#/live/${session}`, there: (page) => page.getByTestId('leader') },
  { name: 'live-trainer', who: tess, place: `#/live/${session}`, there: (page) => page.getByTestId('leader') },
  { name: 'trainer', shown: 'desktop-light', each: (_, world) => world.run(1), who: tess, place: '#/training', there: (page) => page.locator('[data-testid=client][data-user=ana]') },
  {
    name: 'training-trainer', who: tess, place: '#/training/legs', there: (page) => page.getByTestId('correction').first(),
    first: async (page, world) => {
      await page.getByRole('textbox', { name: 'Cue' }).fill('Chest up')
      await world.correct()
    },
  },
  { name: 'chat-new', who: tess, place: '#/chat', there: (page) => page.getByRole('button', { name: /create|make/i }), first: (page) => page.locator('.new-chat summary').click() },
  ...roots.map((v) => ({ ...v, who: root })),
]
