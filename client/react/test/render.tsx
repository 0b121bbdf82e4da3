import { act, StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { createRequire } from 'node:module'
import { afterEach } from 'vitest'

// What MQTT.js uses outside of browsers: the simulated one has none.
const { WebSocket } = createRequire(import.meta.url)('ws') as { WebSocket: unknown }
Object.assign(globalThis, { WebSocket })
/** React's act, without its complaints about what changes in between: here the network changes things when it likes. */
async function acting(work: () => Promise<unknown>): Promise<void> {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
  try {
    await act(async () => void (await work()))
  } finally {
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false })
  }
}

const mounted = new Set<() => Promise<void>>()

afterEach(async () => {
  for (const unmount of mounted) await unmount()
})

/** Renders in StrictMode, which mounts everything twice, until the test's end or unmount. */
export async function render(node: ReactNode): Promise<{ text(): string; place: HTMLElement; unmount(): Promise<void> }> {
  const place = document.createElement('div')
  const root = createRoot(place)
  await acting(async () => root.render(<StrictMode>{node}</StrictMode>))
  const unmount = async (): Promise<void> => {
    mounted.delete(unmount)
    await acting(async () => root.unmount())
  }
  mounted.add(unmount)
  return { text: () => place.textContent ?? '', place, unmount }
}

/** Waits until the component says so. */
export async function until(what: () => boolean, seconds = 20): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!what()) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s`)
    await acting(() => new Promise((resolve) => setTimeout(resolve, 20)))
  }
}
