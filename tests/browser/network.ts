// The network between a browser and the broker, byte for byte: it can break, fall silent, and let no WebSocket through.
import { createServer, Socket, type AddressInfo } from 'node:net'

/** How a network deals with WebSocket: lets it through, answers 403 as proxies do, or hangs up. */
export type WebSockets = 'let through' | 'answer 403' | 'hang up'

const refusal = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

interface Pair {
  near: Socket
  far: Socket
  websocket: boolean
}

export class Network {
  readonly #pairs = new Set<Pair>()
  readonly #server = createServer({ pauseOnConnect: true }, (near) => this.#accept(near))
  /** Held, so that they stay open, until the end. */
  readonly #forgotten: Pair[] = []
  #websockets: WebSockets = 'let through'
  #state: 'up' | 'broken' | 'silent' = 'up'
  /** Where the browser finds the broker. */
  url = ''

  private constructor(private readonly target: () => string) {}

  /** target is the broker's address, host:port, asked anew for each connection. */
  static async start(target: () => string): Promise<Network> {
    const network = new Network(target)
    await new Promise<void>((resolve) => network.#server.listen(0, '127.0.0.1', resolve))
    network.url = `http://127.0.0.1:${(network.#server.address() as AddressInfo).port}`
    return network
  }

  /** Connections break, and no new ones come about. */
  break(): void {
    this.#state = 'broken'
    this.#hangUp(() => true)
  }

  /** Nothing arrives any more, and nobody is told: as where a phone leaves the reach of its network. */
  fallSilent(): void {
    this.#state = 'silent'
    for (const { near, far } of this.#pairs) {
      near.pause()
      far.pause()
    }
  }

  /** What is open is dead and nobody is told, as after a sleep or with a new address; new connections come about. */
  forget(): void {
    for (const { near, far } of this.#pairs) {
      near.unpipe()
      far.unpipe()
      near.pause()
      far.pause()
    }
    this.#forgotten.push(...this.#pairs)
    this.#pairs.clear()
  }

  /** All is well again. What connections have survived a silence deliver what was held up. */
  mend(): void {
    this.#state = 'up'
    for (const { near, far } of this.#pairs) {
      near.resume()
      far.resume()
    }
  }

  /** From now on; WebSockets that are open are cut unless they are let through. */
  webSockets(how: WebSockets): void {
    this.#websockets = how
    if (how !== 'let through') this.#hangUp((pair) => pair.websocket)
  }

  stop(): void {
    this.break()
    for (const { near } of this.#forgotten) near.destroy()
    this.#server.close()
  }

  #hangUp(which: (pair: Pair) => boolean): void {
    for (const pair of [...this.#pairs]) if (which(pair)) pair.near.destroy()
  }

  #accept(near: Socket): void {
    if (this.#state === 'broken') return void near.destroy()
    const far = new Socket()
    const pair: Pair = { near, far, websocket: false }
    this.#pairs.add(pair)
    near.on('error', () => near.destroy())
    far.on('error', () => far.destroy())
    near.on('close', () => {
      this.#pairs.delete(pair)
      far.destroy()
    })
    far.on('close', () => near.destroy())
    near.once('data', (first) => this.#begin(pair, first))
    if (this.#state === 'up') near.resume()
  }

  /** Looks at the first bytes, which of a WebSocket's connection are its whole request. */
  #begin(pair: Pair, first: Buffer): void {
    pair.websocket = /\r\nUpgrade: *websocket/i.test(first.toString('latin1'))
    if (pair.websocket && this.#websockets === 'answer 403') return void pair.near.end(refusal)
    if (pair.websocket && this.#websockets === 'hang up') return void pair.near.destroy()
    const [host, port] = this.target().split(':')
    pair.far.connect(Number(port), host ?? '')
    pair.far.write(first)
    pair.near.pipe(pair.far)
    pair.far.pipe(pair.near)
  }
}
