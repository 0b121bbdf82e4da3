import { afterEach } from 'vitest'
import { connect, type Client, type ConnectOptions } from '../src/index.js'

const open = new Set<Client>()

afterEach(async () => {
  await Promise.all([...open].map((c) => c.close()))
  open.clear()
})

/** A client of the user, closed after the test. */
export function client(url: string, user: string, options: ConnectOptions = {}): Client {
  const c = connect({ url, username: user, password: `${user}-secret`, ...options })
  open.add(c)
  return c
}

/** The first thing that a listener hears and that fits. */
export function next<T>(listen: (fn: (value: T) => void) => () => void, fits: (value: T) => unknown = () => true): Promise<T> {
  return new Promise((resolve) => {
    const off = listen((value) => {
      if (!fits(value)) return
      queueMicrotask(() => off())
      resolve(value)
    })
  })
}

/** Waits until a state is so, which it may be already. */
export function reached<S>(view: { get(): S; subscribe(fn: (value: S) => void): () => void }, fits: (value: S) => unknown): Promise<S> {
  const now = view.get()
  return fits(now) ? Promise.resolve(now) : next(view.subscribe, fits)
}
