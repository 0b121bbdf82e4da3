// A real broker for a test: started, fed by REST, killed and started again on the same data and ports.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The repository's root. */
export const root = new URL('../..', import.meta.url).pathname

/** Where a broker listens, as host:port. */
export interface Addresses {
  mqtt: string
  http: string
}

const anyPort: Addresses = { mqtt: '127.0.0.1:0', http: '127.0.0.1:0' }

/** Polls until look gives a value; fails with what it waited for. */
export async function until<T>(what: string, seconds: number, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The one place that knows how the binary tells its ports: DIR/addresses.json, written once it listens. */
function readAddresses(data: string): Addresses | undefined {
  const file = join(data, 'addresses.json')
  if (!existsSync(file)) return undefined
  try {
    const { mqtt, http } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Addresses>
    return mqtt && http ? { mqtt, http } : undefined
  } catch {
    return undefined // half written; the next look finds it whole
  }
}

export class Broker {
  private process: ChildProcess | undefined
  private output = ''
  addresses: Addresses = anyPort

  private constructor(readonly data: string) {}

  /** Starts a broker with an empty directory, on free ports; config is YAML. */
  static async start(config = ''): Promise<Broker> {
    const broker = new Broker(mkdtempSync(join(tmpdir(), 'fitmq-browser-')))
    writeFileSync(broker.config, config)
    await broker.run()
    return broker
  }

  private get config(): string {
    return `${this.data}.yml`
  }

  get url(): string {
    return `http://${this.addresses.http}`
  }

  private async run(): Promise<void> {
    rmSync(join(this.data, 'addresses.json'), { force: true }) // or we would read where the last one listened
    const { mqtt, http } = this.addresses
    const args = ['serve', '--data', this.data, '--config', this.config, '--mqtt-addr', mqtt, '--http-addr', http]
    const child = spawn(process.env.FITMQ_BIN ?? 'fitmq', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = child
    const keep = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.addresses = await until('the broker listens', 30, () => {
      if (child.exitCode !== null) throw new Error(`the broker ended with ${child.exitCode}:\n${this.output}`)
      return readAddresses(this.data)
    })
    await until('the broker answers', 15, async () => {
      const answer = await fetch(`${this.url}/`).catch(() => undefined)
      return answer?.ok === true ? true : undefined
    })
  }

  /** kill -9: nothing is saved that is not saved already. */
  async kill(): Promise<void> {
    const child = this.process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Starts again with the same data on the same ports. */
  async restart(): Promise<void> {
    await this.run()
  }

  /** Ends the broker and removes its data. */
  async stop(): Promise<void> {
    const child = this.process
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(killer)
    }
    rmSync(this.data, { recursive: true, force: true })
    rmSync(this.config, { force: true })
  }

  /** Calls the REST API as administrator. */
  async api(method: 'PUT' | 'POST' | 'GET' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const token = readFileSync(join(this.data, 'admin.token'), 'utf8').trim()
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}
