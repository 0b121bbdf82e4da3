import type { ErrorWithReasonCode, IClientOptions, IConnackPacket, MqttClient, Packet } from 'mqtt'
import { asFitmqError, FitmqError, fromMqtt } from './errors.js'
import type { Opening, Outgoing, Wanted, Way } from './transport.js'

const keepalive = 15 // seconds
const receiveMaximum = 256
/** How long an answer to a check may take, in ms. */
const patience = 4_000
/** How long an orderly goodbye may take, in ms. */
const goodbye = 1_000
const decoder = new TextDecoder()

/** Opens MQTT 5 over WebSocket. MQTT.js does one connection here: waiting and trying again is the link's part. */
export async function openWebSocket(o: Opening): Promise<Way> {
  const { default: mqtt } = await import('mqtt')
  o.signal.throwIfAborted()
  const client = mqtt.connect(o.socket, options(o))
  return new Promise<Way>((resolve, reject) => {
    const socket = new Socket(client, o)
    let refusal: FitmqError | undefined
    let opened = false
    const abort = (): void => {
      socket.drop()
      reject(new FitmqError('closed', 'given up'))
    }
    o.signal.addEventListener('abort', abort, { once: true })
    client.on('packetreceive', (packet: Packet) => {
      socket.alive()
      if (packet.cmd === 'connack' && packet.reasonCode) refusal = refused(packet)
    })
    client.on('connect', (packet) => {
      opened = true
      o.signal.removeEventListener('abort', abort)
      socket.resumed = packet.sessionPresent
      resolve(socket)
    })
    client.on('error', (error) => {
      refusal ??= withCode(error)
    })
    client.on('close', () => {
      o.signal.removeEventListener('abort', abort)
      const error = refusal ?? new FitmqError('network', 'the WebSocket was closed')
      socket.drop()
      if (opened) socket.lost(error)
      else reject(error)
    })
    client.on('disconnect', (packet) => socket.told(fromMqtt(packet.reasonCode ?? 0x80, packet.properties?.reasonString)))
    client.on('message', (topic, payload, packet) => {
      o.message({ topic, payload: decoder.decode(payload), qos: packet.qos, retain: packet.retain })
    })
  })
}

function options(o: Opening): IClientOptions {
  return {
    protocolVersion: 5,
    clean: false,
    clientId: o.clientId,
    username: o.user,
    password: o.secret,
    keepalive,
    // A worker's timer: browsers slow a hidden tab's own ones down to less than keeping alive needs.
    timerVariant: typeof Worker === 'undefined' ? 'native' : 'auto',
    connectTimeout: o.connectTimeout,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    properties: { sessionExpiryInterval: o.sessionExpiry, receiveMaximum },
  }
}

const refused = (packet: IConnackPacket): FitmqError => {
  const code = packet.reasonCode ?? 0x80
  // 0x87 in a CONNACK is about who one is, elsewhere about what one may.
  return fromMqtt(code === 0x87 ? 0x86 : code, packet.properties?.reasonString, { mqtt: code })
}

function withCode(error: Error | ErrorWithReasonCode): FitmqError {
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'number' && code >= 0x80 ? fromMqtt(code) : asFitmqError(error, 'network')
}

class Socket implements Way {
  readonly name = 'websocket'
  resumed = false
  readonly #pending = new Set<(error: FitmqError) => void>()
  #goodbye: FitmqError | undefined
  #checking: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(
    private readonly client: MqttClient,
    private readonly o: Opening,
  ) {}

  publish(m: Outgoing): Promise<void> {
    const properties = m.expiry === undefined ? {} : { properties: { messageExpiryInterval: m.expiry } }
    return this.#exchange<void>((done) => {
      this.client.publish(m.topic, m.payload, { qos: m.qos, ...properties }, (error, packet) => {
        if (!error) return done(undefined)
        const reason = packet?.cmd === 'puback' ? packet.properties?.reasonString : undefined
        const code = 'code' in error ? Number(error.code) : NaN
        done(code >= 0x80 ? fromMqtt(code, reason, { topic: m.topic }) : asFitmqError(error, 'network'))
      })
    })
  }

  subscribe(wanted: readonly Wanted[]): Promise<Map<string, FitmqError>> {
    const map = Object.fromEntries(wanted.map((w) => [w.filter, { qos: 1 as const, rh: w.fresh ? 0 : 1 }]))
    return this.#exchange((done) => {
      this.client.subscribe(map, (error, _granted, packet) => {
        if (packet === undefined) return done(asFitmqError(error, 'network'))
        const errors = new Map<string, FitmqError>()
        wanted.forEach(({ filter }, i) => {
          const code = Number(packet.granted[i] ?? 0)
          if (code >= 0x80) errors.set(filter, fromMqtt(code, packet.properties?.reasonString, { topic: filter }))
        })
        done(undefined, errors)
      })
    })
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    return this.#exchange((done) => {
      this.client.unsubscribe([...filters], (error) => done(error ? asFitmqError(error, 'network') : undefined))
    })
  }

  renew(token: string): Promise<void> {
    return this.publish({ topic: `user/${this.o.user}/token`, payload: token, qos: 1 })
  }

  end(forget: boolean): Promise<void> {
    if (this.#over) return Promise.resolve()
    this.#over = true
    this.#fail(new FitmqError('closed', 'closed'))
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.drop()
        resolve()
      }, goodbye)
      // 'close' comes with the socket's own end; end's callback waits for nothing more.
      this.client.end(false, forget ? { properties: { sessionExpiryInterval: 0 } } : {}, () => {
        clearTimeout(timer)
        this.drop()
        resolve()
      })
    })
  }

  check(): void {
    if (this.#over) return
    this.#checking ??= setTimeout(() => {
      this.drop()
      this.lost(new FitmqError('network', 'the broker does not answer'))
    }, patience)
    this.client.sendPing()
  }

  /** Something has come. */
  alive(): void {
    clearTimeout(this.#checking)
    this.#checking = undefined
  }

  /** Ends the connection at once and lets go of everything. */
  drop(): void {
    this.alive()
    this.client.removeAllListeners()
    this.client.on('error', () => undefined) // an error event that nobody hears would be thrown
    this.client.end(true)
  }

  /** Keeps what the broker says before it closes. */
  told(error: FitmqError): void {
    this.#goodbye = error
  }

  lost(error: FitmqError): void {
    if (this.#over) return
    this.#over = true
    this.#fail(new FitmqError('network', 'the connection was lost'))
    this.o.ended({ error: this.#goodbye ?? error, told: this.#goodbye !== undefined })
  }

  /** One request and its answer; the connection's end answers it too. */
  #exchange<T>(start: (done: (error: FitmqError | undefined, value?: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(new FitmqError('network', 'the connection was lost'))
      this.#pending.add(reject)
      start((error, value) => {
        this.#pending.delete(reject)
        if (error) reject(error)
        else resolve(value as T)
      })
    })
  }

  #fail(error: FitmqError): void {
    for (const reject of this.#pending) reject(error)
    this.#pending.clear()
  }
}
