// The way without WebSocket: the same session as Server-Sent Events, and a request for each message that goes out.
import { asFitmqError, FitmqError, fromMqtt } from './errors.js'
import type { Http } from './http.js'
import type { Opener, Opening, Outgoing, Wanted, Way } from './transport.js'

/** A stream that is silent for longer than this, in ms, is dead: the broker says something every 15 s. */
const silence = 40_000
/** One that is looked after is dead sooner. */
const checkedSilence = 20_000
/** How long after an event it is confirmed, in ms: one request for all that come meanwhile. */
const confirmAfter = 100
/** How many filters the request that opens the stream may name. */
const maxFilters = 100

interface Grant {
  filter: string
  code: number
  reason?: string
}

/** Opens event streams by the REST interface. Each begins where the last one has ended. */
export function eventStreams(http: Http): Opener {
  const cursor = { clientId: '', last: '' }
  return async (o) => {
    if (cursor.clientId !== o.clientId) Object.assign(cursor, { clientId: o.clientId, last: '' })
    const stream = new EventStream(http, o, cursor)
    try {
      await stream.open()
    } catch (error) {
      stream.drop()
      throw o.signal.aborted ? new FitmqError('closed', 'given up') : error
    }
    return stream
  }
}

class EventStream implements Way {
  readonly name = 'sse'
  resumed = false
  readonly #http: Http
  readonly #o: Opening
  readonly #cursor: { last: string }
  readonly #abort = new AbortController()
  readonly #granted = new Map<string, Grant>()
  #watch: ReturnType<typeof setTimeout> | undefined
  /** When something came last, in ms since 1970. */
  #heard = 0
  #confirming: ReturnType<typeof setTimeout> | undefined
  #confirmed: string
  #over = false

  constructor(http: Http, o: Opening, cursor: { last: string }) {
    this.#http = http
    this.#o = o
    this.#cursor = cursor
    this.#confirmed = cursor.last
  }

  /** Resolves when the broker has opened the stream. */
  async open(): Promise<void> {
    const { clientId, sessionExpiry, filters, signal, connectTimeout } = this.#o
    signal.addEventListener('abort', this.drop, { once: true })
    this.#expect(connectTimeout)
    const query = new URLSearchParams([['clientId', clientId], ['expiry', String(sessionExpiry)]])
    for (const filter of filters.slice(0, maxFilters)) query.append('filter', filter)
    const headers = this.#cursor.last === '' ? {} : { 'Last-Event-ID': this.#cursor.last }
    const response = await this.#http.open('GET', `/events?${query}`, undefined, this.#abort.signal, { Accept: 'text/event-stream', ...headers })
    if (!response.body) throw new FitmqError('network', 'the event stream is empty')
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    await new Promise<void>((resolve, reject) => {
      this.#read(reader, resolve).then(
        () => this.#lost(new FitmqError('network', 'the event stream has ended'), false, reject),
        (error: unknown) => this.#lost(asFitmqError(error, 'network'), false, reject),
      )
    })
  }

  async publish(m: Outgoing): Promise<void> {
    const { clientId } = this.#o
    try {
      await this.#post('/publish', { clientId, topic: m.topic, payload: m.payload, qos: m.qos })
    } catch (cause) {
      const e = asFitmqError(cause)
      throw new FitmqError(e.code, e.reason, { status: e.status, retryAfter: e.retryAfter, topic: m.topic, cause })
    }
  }

  async subscribe(wanted: readonly Wanted[]): Promise<Map<string, FitmqError>> {
    // What the stream was opened with is answered already.
    const more = wanted.filter((w) => !this.#granted.has(w.filter)).map((w) => w.filter)
    if (more.length > 0) this.#take(await this.#change('/subscribe', more))
    const errors = new Map<string, FitmqError>()
    for (const { filter } of wanted) {
      const grant = this.#granted.get(filter)
      this.#granted.delete(filter)
      if (grant && grant.code >= 0x80) errors.set(filter, fromMqtt(grant.code, grant.reason, { topic: filter }))
    }
    return errors
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#change('/unsubscribe', filters)
  }

  renew(token: string): Promise<void> {
    return this.publish({ topic: `user/${this.#o.user}/token`, payload: token, qos: 1 })
  }

  check(): void {
    if (!this.#over) this.#expect(Math.max(0, this.#heard + checkedSilence - Date.now()))
  }

  /** Confirms what has come, and waits until that is so: nothing of it comes again by another way. */
  async settle(): Promise<void> {
    clearTimeout(this.#confirming)
    this.#confirming = undefined
    const { last } = this.#cursor
    if (last === this.#confirmed) return
    await this.#post('/ack', { clientId: this.#o.clientId, lastEventId: last })
    this.#confirmed = last
  }

  async end(forget: boolean): Promise<void> {
    if (this.#over) return
    this.#over = true
    try {
      await this.settle()
      // A session that nobody comes back to is not to gather messages, nor to take part in anything.
      const { filters, clientId } = this.#o
      if (forget && filters.length > 0) await this.#post('/unsubscribe', { clientId, filters: filters.slice(0, maxFilters) })
    } catch {
      // Nobody is there any more to be told; the broker ends the session in its time.
    }
    this.drop()
  }

  /** Ends the stream at once and lets go of everything. */
  readonly drop = (): void => {
    this.#over = true
    clearTimeout(this.#watch)
    clearTimeout(this.#confirming)
    this.#o.signal.removeEventListener('abort', this.drop)
    this.#abort.abort()
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    return this.#http.request('POST', path, body)
  }

  /** Changes subscriptions; a request of which nothing is allowed is a refusal of each filter. */
  async #change(path: string, filters: readonly string[]): Promise<Grant[]> {
    try {
      return (await this.#post<{ filters: Grant[] }>(path, { clientId: this.#o.clientId, filters })).filters
    } catch (cause) {
      const error = asFitmqError(cause)
      if (error.code === 'forbidden') return filters.map((filter) => ({ filter, code: 0x87, reason: error.reason }))
      // No stream is open any more: that is heard on the stream, too.
      if (error.code === 'conflict') throw new FitmqError('network', error.reason, { cause })
      throw error
    }
  }

  #take(grants: readonly Grant[]): void {
    for (const grant of grants) this.#granted.set(grant.filter, grant)
  }

  #expect(ms: number): void {
    clearTimeout(this.#watch)
    this.#watch = setTimeout(() => this.#abort.abort(), ms)
  }

  /** Reads events until the stream ends. */
  async #read(reader: ReadableStreamDefaultReader<string>, opened: () => void): Promise<void> {
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      this.#heard = Date.now()
      this.#expect(silence)
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) this.#event(block, opened)
    }
  }

  #event(block: string, opened: () => void): void {
    if (this.#over) return
    const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]))
    const data = fields.get('data')
    if (data === undefined) return // a comment, or the hint when to come again: our waits have more chance in them
    const value = JSON.parse(data) as Record<string, unknown>
    switch (fields.get('event')) {
      case 'open':
        this.resumed = value['sessionPresent'] === true
        this.#take(value['filters'] as Grant[])
        return opened()
      case 'end':
        return this.#lost(fromMqtt(Number(value['code']), String(value['reason'])), true)
      case 'message':
        this.#message(value, fields.get('id') ?? '')
    }
  }

  #message(m: Record<string, unknown>, id: string): void {
    const { payload } = m
    const text = payload === undefined ? atob(String(m['payloadBase64'] ?? '')) : typeof payload === 'string' ? payload : JSON.stringify(payload)
    this.#o.message({ topic: String(m['topic']), payload: text, qos: Number(m['qos']), retain: m['retain'] === true })
    if (id === '') return
    this.#cursor.last = id
    // What cannot be confirmed now is, with the next event or the next stream.
    this.#confirming ??= setTimeout(() => void this.settle().catch(() => undefined), confirmAfter)
  }

  #lost(error: FitmqError, told: boolean, before?: (error: FitmqError) => void): void {
    before?.(error)
    if (this.#over) return
    this.drop()
    this.#o.ended({ error, told })
  }
}
