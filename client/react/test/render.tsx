import { act, StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { createRequire } from 'node:module'
import { afterEach } from 'vitest'

// What MQTT.js uses outside of browsers: the simulated one has none.
const { WebSocket } = createRequire(import.meta.url)('ws') as { WebSocket: unknown }
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true, WebSocket })
const mounted = new Set<() => Promise<void>>()

afterEach(async () => {
  for (const unmount of mounted) await unmount()
})

/** Renders in StrictMode, which mounts everything twice, until the test's end or unmount. */
export async function render(node: ReactNode): Promise<{ text(): string; unmount(): Promise<void> }> {
  const place = document.createElement('div')
  const root = createRoot(place)
  await act(async () => root.render(<StrictMode>{node}</StrictMode>))
  const unmount = async (): Promise<void> => {
    mounted.delete(unmount)
    await act(async () => root.unmount())
  }
  mounted.add(unmount)
  return { text: () => place.textContent ?? '', unmount }
}

/** Waits until the component says so. */
export async function until(what: () => boolean, seconds = 20): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!what()) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s`)
    await act(() => new Promise((resolve) => setTimeout(resolve, 20)))
  }
}
