import { FitmqError } from '../src/errors.js'
import type { Ended, Opener, Opening, Outgoing, TransportName, Wanted, Way } from '../src/transport.js'

/** A way to nowhere: it remembers what it is given, and answers as the test says. */
export class FakeWay implements Way {
  resumed = false
  readonly published: Outgoing[] = []
  readonly wanted: Wanted[] = []
  readonly unwanted: string[] = []
  readonly renewed: string[] = []
  checks = 0
  ended = false
  forgotten = false
  /** Answers a publish; stored unless the test says otherwise. */
  answer: (m: Outgoing) => Promise<void> = () => Promise.resolve()
  refuse = new Map<string, FitmqError>()

  constructor(
    readonly name: TransportName,
    readonly opening: Partial<Opening> = {},
  ) {}

  publish(m: Outgoing): Promise<void> {
    this.published.push(m)
    return this.answer(m)
  }

  subscribe(wanted: readonly Wanted[]): Promise<Map<string, FitmqError>> {
    this.wanted.push(...wanted)
    return Promise.resolve(new Map([...this.refuse].filter(([f]) => wanted.some((w) => w.filter === f))))
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    this.unwanted.push(...filters)
    return Promise.resolve()
  }

  renew(token: string): Promise<void> {
    this.renewed.push(token)
    return Promise.resolve()
  }

  check(): void {
    this.checks++
  }

  end(forget: boolean): Promise<void> {
    this.ended = true
    this.forgotten = forget
    return Promise.resolve()
  }

  /** The way breaks. */
  lose(error = new FitmqError('network', 'cut'), told = false): void {
    this.ended = true
    this.opening.ended?.({ error, told } satisfies Ended)
  }
}

/** Openers of fake ways: each attempt is answered by the next verdict of its list, then by the last one. */
export class FakeNet {
  readonly attempts: { name: TransportName; at: number; opening: Opening }[] = []
  readonly ways: FakeWay[] = []
  /** What is wrong with each way, or nothing. */
  verdict: Record<TransportName, () => FitmqError | undefined> = { websocket: () => undefined, sse: () => undefined }

  readonly openers: { name: TransportName; open: Opener }[] = (['websocket', 'sse'] as const).map((name) => ({
    name,
    open: (opening) => {
      this.attempts.push({ name, at: Date.now(), opening })
      const wrong = this.verdict[name]()
      if (wrong) return Promise.reject(wrong)
      const way = new FakeWay(name, opening)
      this.ways.push(way)
      return Promise.resolve(way)
    },
  }))

  get last(): FakeWay {
    const way = this.ways.at(-1)
    if (way === undefined) throw new Error('no way was opened yet')
    return way
  }
}

/** A token that says so much of itself; nobody checks its signature here. */
export function tokenFor(sub: string, expiresInSeconds: number): string {
  const claims = { sub, exp: Math.floor(Date.now() / 1000) + expiresInSeconds }
  return `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`
}
