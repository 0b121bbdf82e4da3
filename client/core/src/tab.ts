// The client id of this tab: a tab keeps its own over reloads, and a copy of a tab gets another one.
import { newId } from './ids.js'

/** Where the id is kept: of one tab, gone with it. */
export interface TabStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** This tab's storage, or undefined where there is none or none is allowed. */
export function tabStorage(): TabStorage | undefined {
  try {
    const storage = globalThis.sessionStorage
    return storage && { getItem: (key) => storage.getItem(key), setItem: (key, value) => put(storage, key, value) }
  } catch {
    return undefined
  }
}

/** Keeps a value where there is room; else the page after a reload is a new client, which is better than none. */
function put(storage: TabStorage, key: string, value: string): void {
  try {
    storage.setItem(key, value)
  } catch {
    // The application has filled it, or the browser lets nobody write.
  }
}

export class ClientIds {
  #id: string | undefined
  #letGo: (() => void) | undefined
  #taken: Promise<string> | undefined

  /** fixed is the id that the application has chosen, which is never changed. */
  constructor(
    private readonly fixed: string | undefined,
    private readonly storage: TabStorage | undefined = tabStorage(),
  ) {}

  /** The id to connect with. */
  get(user: string): Promise<string> {
    this.#taken ??= this.fixed === undefined ? this.#take(user) : this.#lock(this.fixed).then(() => this.fixed ?? '')
    return this.#taken
  }

  /** Gives up the id, which somebody else uses; false where the application has chosen it. */
  renew(): boolean {
    if (this.fixed !== undefined) return false
    this.release()
    this.#id = ''
    return true
  }

  release(): void {
    this.#letGo?.()
    this.#letGo = undefined
    this.#taken = undefined
  }

  async #take(user: string): Promise<string> {
    const key = `fitmq:client:${user}`
    let id = this.#id === '' ? undefined : (this.storage?.getItem(key) ?? undefined)
    // A lock that is held means that the tab which this one was copied from is still there.
    if (id === undefined || !(await this.#claim(id))) {
      id = `web-${newId()}`
      await this.#lock(id)
    }
    this.#id = id
    this.storage?.setItem(key, id)
    return id
  }

  /** Holds the id, waiting a moment for a page that is just going away. */
  async #claim(id: string): Promise<boolean> {
    for (let i = 0; i < 4; i++) {
      if (await this.#lock(id)) return true
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return false
  }

  /** Holds the id for as long as this page lives; true where browsers offer no locks (insecure origins). */
  #lock(id: string): Promise<boolean> {
    const locks = globalThis.navigator?.locks
    if (!locks) return Promise.resolve(true)
    return new Promise((resolve) => {
      locks
        .request(`fitmq:client:${id}`, { ifAvailable: true }, (lock) => {
          resolve(lock !== null)
          if (lock === null) return undefined
          return new Promise<void>((release) => (this.#letGo = release))
        })
        .catch(() => resolve(true))
    })
  }
}

/**
 * Notes what this tab is subscribed to, for the page that comes after a reload: the broker's session still has it, and
 * who has left a workout by going to another page is not to stay on its roster.
 */
export class FilterNote {
  readonly #storage = tabStorage()
  #key = ''

  /** What the page before was subscribed to; the first time only. */
  take(user: string): string[] {
    if (this.#key !== '') return []
    this.#key = `fitmq:filters:${user}`
    return (this.#storage?.getItem(this.#key) ?? '').split('\n').filter((f) => f !== '')
  }

  write(filters: readonly string[]): void {
    if (this.#key !== '') this.#storage?.setItem(this.#key, filters.join('\n'))
  }
}
