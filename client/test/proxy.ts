// The network between a client and the broker: it can be cut, and it can be one that lets no WebSocket through.
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export class Proxy {
  readonly #target: URL
  readonly #server = createServer((req, res) => this.#forward(req, res))
  readonly #open = new Set<{ destroy(): unknown }>()
  readonly #sockets = new Set<{ destroy(): unknown }>()
  /** Whether WebSockets are let through, and anything at all. */
  #websocket = true
  #up = true
  url = ''

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#server.on('connection', (socket) => {
      if (this.#up) this.#keep(this.#open, socket)
      else socket.destroy()
    })
    this.#server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(req, socket, head))
  }

  static async start(target: string): Promise<Proxy> {
    const proxy = new Proxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`
    return proxy
  }

  /** From now on no WebSocket comes through, and those that are open are cut. */
  blockWebSocket(): void {
    this.#websocket = false
    for (const s of this.#sockets) s.destroy()
  }

  allowWebSocket(): void {
    this.#websocket = true
  }

  /** The network is gone: what is open is cut. */
  cut(): void {
    this.#up = false
    for (const s of this.#open) s.destroy()
  }

  mend(): void {
    this.#up = true
  }

  stop(): void {
    this.cut()
    this.#server.close()
  }

  #keep(set: Set<{ destroy(): unknown }>, socket: Duplex): void {
    set.add(socket)
    socket.on('close', () => set.delete(socket))
    socket.on('error', () => socket.destroy())
  }

  #forward(req: IncomingMessage, res: ServerResponse): void {
    const { hostname, port } = this.#target
    const out = request({ hostname, port, method: req.method, path: req.url, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      res.flushHeaders()
      answer.pipe(res)
      answer.on('error', () => res.destroy())
    })
    out.on('error', () => res.destroy())
    res.on('close', () => out.destroy())
    req.pipe(out)
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#websocket) return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')
    const out: Socket = connect(Number(this.#target.port), this.#target.hostname, () => {
      const lines = [`${req.method} ${req.url} HTTP/1.1`]
      for (let i = 0; i < req.rawHeaders.length; i += 2) lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`)
      out.write(lines.join('\r\n') + '\r\n\r\n')
      out.write(head)
      out.pipe(socket).pipe(out)
    })
    this.#keep(this.#sockets, socket)
    this.#keep(this.#open, out)
    out.on('close', () => socket.destroy())
    socket.on('close', () => out.destroy())
  }
}
