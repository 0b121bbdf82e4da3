// People who talk in a session from pages of their own, each over a network of their own that can fail.
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, type Browser, type BrowserContext, type Page } from '@playwright/test'
import { Broker, root } from './broker.js'
import { Network } from './network.js'

/** What talk.html offers to tests. */
declare global {
  interface Window {
    talk: {
      say(prefix: string, every: number): void
      sayOne(text: string): void
      hush(): void
      notes(key: 'heard' | 'said' | 'transports' | 'errors'): string[]
    }
  }
}

/** How often somebody says something, in ms: less often than the broker's limit of five a second, so that what has waited catches up. */
const pace = 300
const files: Record<string, { path: string; type: string }> = {
  '/talk.html': { path: 'tests/browser/talk.html', type: 'text/html' },
  '/fitmq.js': { path: 'client/bundle/fitmq.js', type: 'text/javascript' },
}

/** An application of somebody's own: its pages, its backend that gives out tokens, and the broker, which is elsewhere. */
export class Stage {
  readonly #networks: Network[] = []
  readonly #contexts: BrowserContext[] = []
  /** How long tokens last, in s, and when those that were given out end, in ms since 1970. */
  ttl = 60
  readonly tokensEnd: number[] = []

  private constructor(readonly broker: Broker, private readonly pages: Server, private readonly browser: Browser) {}

  static async start(browser: Browser): Promise<Stage> {
    const pages = createServer()
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    const broker = await Broker.start(`http:\n  allowedOrigins: ["${origin}"]\n`)
    for (const id of ['ana', 'ben']) await broker.api('PUT', `/users/${id}`, { name: id, role: 'member', password: `${id}-secret` })
    await broker.api('PUT', '/sessions/track', { kind: 'workout', title: 'Track', host: 'ana', visibility: 'open' })
    const stage = new Stage(broker, pages, browser)
    pages.on('request', (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', origin)
      const file = files[pathname]
      if (file) return void response.setHeader('Content-Type', file.type).end(readFileSync(join(root, file.path)))
      if (pathname !== '/token') return void response.writeHead(404).end()
      stage.#token(searchParams.get('user') ?? '').then(
        (token) => response.end(token),
        () => response.writeHead(503).end(), // the backend cannot reach the broker either
      )
    })
    return stage
  }

  async #token(userId: string): Promise<string> {
    const { token } = (await this.broker.api('POST', '/tokens', { userId, ttl: this.ttl })) as { token: string }
    this.tokensEnd.push(Date.now() + this.ttl * 1000)
    return token
  }

  async network(): Promise<Network> {
    const network = await Network.start(() => this.broker.addresses.http)
    this.#networks.push(network)
    return network
  }

  /** A browser of somebody's own. */
  async context(): Promise<BrowserContext> {
    const context = await this.browser.newContext()
    this.#contexts.push(context)
    return context
  }

  /** Somebody with a browser and a network, signed in by password or, with tokens, by getToken. */
  async person(user: string, how: { network?: Network; context?: BrowserContext; tokens?: boolean; before?: (page: Page) => Promise<unknown> } = {}): Promise<Talker> {
    const network = how.network ?? (await this.network())
    const page = await (how.context ?? (await this.context())).newPage()
    await how.before?.(page)
    const fragment = new URLSearchParams({ url: network.url, user, ...(how.tokens ? {} : { password: `${user}-secret` }) })
    await page.goto(`http://127.0.0.1:${(this.pages.address() as AddressInfo).port}/talk.html#${fragment}`)
    return new Talker(page, network, user)
  }

  async stop(): Promise<void> {
    for (const context of this.#contexts) await context.close()
    for (const network of this.#networks) network.stop()
    this.pages.close()
    await this.broker.stop()
  }
}

/** Somebody on talk.html. */
export class Talker {
  constructor(readonly page: Page, readonly network: Network, readonly user: string) {}

  async expectTransport(transport: 'websocket' | 'sse', seconds = 30): Promise<void> {
    await expect(this.page.getByRole('status')).toHaveText(`connected (${transport})`, { timeout: seconds * 1000 })
  }

  async expectAway(seconds = 60): Promise<void> {
    await expect(this.page.getByRole('status')).toHaveText(/^(reconnecting|offline|connecting) \(offline\)$/, { timeout: seconds * 1000 })
  }

  /** The network is well again, which a browser tells its pages. */
  async mend(): Promise<void> {
    this.network.mend()
    await this.page.evaluate(() => window.dispatchEvent(new Event('online')))
  }

  notes(key: 'heard' | 'said' | 'transports' | 'errors'): Promise<string[]> {
    return this.page.evaluate((k) => window.talk.notes(k), key)
  }

  /** A copy of this tab, which the browser gives a copy of its sessionStorage. */
  async copy(): Promise<Talker> {
    const opened = this.page.context().waitForEvent('page')
    await this.page.evaluate(() => void window.open(location.href))
    const page = await opened
    await page.waitForFunction(() => window.talk !== undefined) // its script has run
    return new Talker(page, this.network, this.user)
  }

  /** The client id of this tab. */
  clientId(): Promise<string | null> {
    return this.page.evaluate((user) => sessionStorage.getItem(`fitmq:client:${user}`), this.user)
  }

  /** Begins to say ana1, ana2... */
  async talk(): Promise<void> {
    await this.page.evaluate(([prefix, every]) => window.talk.say(prefix, every), [this.user, pace] as const)
  }

  async say(text: string): Promise<void> {
    await this.page.evaluate((t) => window.talk.sayOne(t), text)
  }

  async hush(): Promise<void> {
    await this.page.evaluate(() => window.talk.hush())
  }

  /** Waits until this page has said or heard so many things more. */
  async more(key: 'heard' | 'said', n: number, seconds = 30): Promise<void> {
    const want = (await this.notes(key)).length + n
    await expect.poll(async () => (await this.notes(key)).length, { message: `${this.user} ${key}`, timeout: seconds * 1000 }).toBeGreaterThanOrEqual(want)
  }

  /** How many messages wait in the outbox. */
  async waiting(): Promise<number> {
    return Number(await this.page.getByTestId('waiting').textContent())
  }
}

/** Everybody stops; then each has heard all that each has said, once and in its order. */
export async function expectAllHeard(...people: Talker[]): Promise<void> {
  for (const p of people) await p.hush()
  const said = await Promise.all(people.map(async (p) => ({ user: p.user, texts: await p.notes('said') })))
  const total = said.reduce((n, s) => n + s.texts.length, 0)
  expect(total).toBeGreaterThan(0)
  for (const p of people) {
    expect(await p.notes('errors'), `what failed for ${p.user}`).toEqual([])
    await expect
      .poll(async () => new Set(await p.notes('heard')).size, { message: `${p.user} heard`, timeout: 60_000 })
      .toBeGreaterThanOrEqual(total)
    const heard = await p.notes('heard')
    for (const s of said) expect(heard.filter((text) => s.texts.includes(text)), `what ${p.user} heard of ${s.user}`).toEqual(s.texts)
    expect(heard).toHaveLength(total)
    expect(await p.waiting(), `what waits of ${p.user}`).toBe(0)
    expect(await p.notes('errors'), `what failed for ${p.user}`).toEqual([])
  }
}
