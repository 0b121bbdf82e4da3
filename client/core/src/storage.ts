// Where the outbox survives a reload: IndexedDB, a database for each broker and user, shared by the user's tabs.

/** A message that waits to be sent. */
export interface Kept {
  /** The place in the order; given by the storage. */
  n: number
  /** The client id of the tab that it belongs to. */
  owner: string
  topic: string
  payload: string
  /** When it was written, in ms since 1970. */
  at: number
  /** When it is worth nothing any more, in ms since 1970. */
  until?: number
}

/** What the outbox needs of a storage. */
export interface OutboxStorage {
  add(entry: Omit<Kept, 'n'>): Promise<number>
  remove(n: number): Promise<void>
  /** Everything that is kept, oldest first. */
  all(): Promise<Kept[]>
  /** Gives the entries of one owner to another, all or none, and returns them. */
  claim(from: string, to: string): Promise<Kept[]>
  close(): void
}

const table = 'outbox'
/** How long opening may take, in ms: nothing is sent before, and some browsers never answer. */
const patience = 3_000

/** The storage in IndexedDB; rejects where there is none or none is allowed. */
export async function openStorage(name: string): Promise<OutboxStorage> {
  const factory: IDBFactory | undefined = globalThis.indexedDB
  if (factory === undefined) throw new Error('there is no IndexedDB')
  const opening = factory.open(name, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(table, { keyPath: 'n', autoIncrement: true })
  let late: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      opening.onsuccess = () => opening.result.close()
      reject(new Error('IndexedDB does not answer'))
    }, patience)
  })
  const db = await Promise.race([answer(opening), tooLate]).finally(() => clearTimeout(late))
  db.onversionchange = () => db.close() // or another tab could not delete or upgrade it
  return new IndexedStorage(db)
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'))
  })
}

class IndexedStorage implements OutboxStorage {
  constructor(private readonly db: IDBDatabase) {}

  add(entry: Omit<Kept, 'n'>): Promise<number> {
    return this.#write(async (store) => Number(await answer(store.add(entry))))
  }

  remove(n: number): Promise<void> {
    return this.#write(async (store) => void (await answer(store.delete(n))))
  }

  all(): Promise<Kept[]> {
    return answer<Kept[]>(this.db.transaction(table, 'readonly').objectStore(table).getAll())
  }

  claim(from: string, to: string): Promise<Kept[]> {
    return this.#write(async (store) => {
      const theirs = (await answer<Kept[]>(store.getAll())).filter((e) => e.owner === from).map((e) => ({ ...e, owner: to }))
      for (const entry of theirs) store.put(entry)
      return theirs
    })
  }

  close(): void {
    this.db.close()
  }

  /** Does the work in one transaction and waits until it is kept. */
  async #write<T>(work: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    const tx = this.db.transaction(table, 'readwrite')
    const done = new Promise<void>((resolve, reject) => {
      tx.oncomplete = () => resolve()
      tx.onabort = () => reject(tx.error ?? new Error('the IndexedDB transaction was given up'))
    })
    const [value] = await Promise.all([work(tx.objectStore(table)), done])
    return value
  }
}
