// What the page around us says and hears: whether there is a network, whether anybody looks, and the events for pages
// without a framework.
import type { Off } from './emitter.js'
import type { Received } from './hub.js'

/** The window, where there is one. */
const page = (): Window | undefined => (typeof window === 'undefined' ? undefined : window)

/** Whether the browser knows that there is no network. */
export const networkIsOff = (): boolean => globalThis.navigator?.onLine === false

/** Calls back when the network comes or goes, and when the page is looked at again. */
export function watchPage(on: { up(): void; down(): void }): Off {
  const w = page()
  if (w === undefined) return () => undefined
  const shown = (): void => {
    if (w.document.visibilityState === 'visible') on.up()
  }
  w.addEventListener('online', on.up)
  w.addEventListener('offline', on.down)
  w.addEventListener('pageshow', on.up)
  w.document.addEventListener('visibilitychange', shown)
  return () => {
    w.removeEventListener('online', on.up)
    w.removeEventListener('offline', on.down)
    w.removeEventListener('pageshow', on.up)
    w.document.removeEventListener('visibilitychange', shown)
  }
}

const envelopes = new Set(['chat', 'notification', 'status'])

/**
 * Tells a message as a `ws-message` event on the window. A chat message or a notification is the detail as it came;
 * of anything else the detail is {type, topic, data}, with the topic's kind as the type.
 */
export function announce(m: Received): void {
  const w = page()
  if (w === undefined) return
  const p = m.payload
  const type = typeof p === 'object' && p !== null && 'content' in p && 'type' in p ? p.type : undefined
  const detail = typeof type === 'string' && envelopes.has(type) ? p : { type: m.kind ?? 'message', topic: m.topic, data: p }
  w.dispatchEvent(new CustomEvent('ws-message', { detail }))
}

/** Whether the page asks for a log: WS_DEBUG as a global or in localStorage. */
export function pageWantsLog(): boolean {
  if ((globalThis as Record<string, unknown>)['WS_DEBUG'] === true) return true
  try {
    return globalThis.localStorage?.getItem('WS_DEBUG') === 'true'
  } catch {
    return false
  }
}
