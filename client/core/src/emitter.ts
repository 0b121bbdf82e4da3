/** Ends what was begun: stops a listener, leaves a session. Calling it again does nothing. */
export type Off = () => void

/** Listeners of one kind of event. One that throws does not keep the others from hearing it. */
export class Emitter<T> {
  readonly #listeners = new Set<{ fn: (value: T) => void }>()

  on(fn: (value: T) => void): Off {
    const entry = { fn }
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  emit(value: T): void {
    for (const { fn } of [...this.#listeners]) {
      try {
        fn(value)
      } catch (error) {
        // The application's fault, to be seen in its console; this library goes on.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  get size(): number {
    return this.#listeners.size
  }

  clear(): void {
    this.#listeners.clear()
  }
}

/** How soon after a change a view tells of it, in ms: all changes in between are told at once. */
const frame = 16

/** A snapshot that is made when it is read, and listeners who hear of changes once a frame, however many there are. */
export class View<T> {
  readonly #changed = new Emitter<T>()
  #value: T | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly make: () => T) {}

  /** The present value: the same object until something has changed. */
  readonly get = (): T => (this.#value ??= this.make())

  /** Calls the function after changes. */
  readonly subscribe = (fn: (value: T) => void): Off => this.#changed.on(fn)

  /** Says that something has changed; with now, to all at once. */
  touch(now = false): void {
    this.#value = undefined
    if (now) return this.#changed.emit(this.get())
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#changed.emit(this.get())
    }, frame)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#changed.clear()
  }
}

/** Deletes the oldest while there are more than max. */
export function trim<K>(kept: Set<K> | Map<K, unknown>, max: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return
    kept.delete(oldest)
  }
}
