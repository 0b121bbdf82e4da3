import type { SignIn } from './credentials.js'
import { FitmqError } from './errors.js'
import type { Http } from './http.js'
import type { OutboxStorage } from './storage.js'
import type { Opener, TransportName } from './transport.js'
import { openWebSocket } from './websocket.js'

/** How to connect. */
export interface ConnectOptions extends SignIn {
  /** The broker: http(s)://host, or ws(s)://host/mqtt. Where the page came from, unless given. */
  url?: string | undefined
  /** The session's name at the broker. Unless given each tab has one of its own and keeps it over reloads. */
  clientId?: string | undefined
  /** How long the broker keeps the session and its messages without a connection, in seconds; 4 hours unless given. */
  sessionExpiry?: number | undefined
  /** How long an attempt may take, in ms; 6 s unless given. */
  connectTimeout?: number | undefined
  /** Logs everything to the console. Unless given WS_DEBUG decides, as a global or in localStorage. */
  debug?: boolean | undefined
  /** Where messages wait that cannot be sent yet: in IndexedDB unless given, or for this page only. */
  storage?: 'indexeddb' | 'memory' | OutboxStorage | undefined
  /** The ways to the broker, the better one first: WebSocket, then SSE, unless given. */
  transports?: readonly TransportName[] | undefined
  /** false: no `ws-message` events on the window. */
  windowEvents?: boolean | undefined
}

/** The addresses of HTTP and of MQTT over WebSocket. */
export function addresses(url: string | undefined): { base: string; socket: string } {
  const given = url ?? globalThis.location?.origin
  let parsed: URL
  try {
    parsed = new URL(given)
  } catch {
    throw new FitmqError('invalid', `url: ${String(given)} is no address like https://host or wss://host/mqtt`)
  }
  if (!/^(https?|wss?):$/.test(parsed.protocol)) throw new FitmqError('invalid', `url: ${parsed.protocol} is none of http, https, ws, wss`)
  const secure = parsed.protocol === 'https:' || parsed.protocol === 'wss:'
  const path = parsed.protocol.startsWith('ws') && parsed.pathname !== '/' ? parsed.pathname : '/mqtt'
  return { base: `http${secure ? 's' : ''}://${parsed.host}`, socket: `ws${secure ? 's' : ''}://${parsed.host}${path}` }
}

/** Loads the fallback, which most pages never need; once there it is there when the network is not. */
export const loadFallback = () => import('./sse.js')

/** The ways by their names. */
export function waysOf(names: readonly TransportName[] = ['websocket', 'sse'], http: Http): { name: TransportName; open: Opener }[] {
  let streams: Opener | undefined
  const sse: Opener = async (o) => {
    try {
      streams ??= (await loadFallback()).eventStreams(http)
    } catch (cause) {
      throw new FitmqError('network', 'the fallback could not be loaded', { cause })
    }
    return streams(o)
  }
  return names.map((name) => ({ name, open: name === 'sse' ? sse : openWebSocket }))
}
