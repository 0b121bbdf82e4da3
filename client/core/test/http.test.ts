import { afterEach, describe, expect, test, vi } from 'vitest'
import { Credentials } from '../src/credentials.js'
import { FitmqError } from '../src/errors.js'
import { Http } from '../src/http.js'
import { connect } from '../src/index.js'

const http = new Http('http://b', new Credentials({ username: 'ana', password: 'x' }))
afterEach(() => vi.unstubAllGlobals())

/** What a request rejects with when it is answered so. */
async function failure(answer: () => Response | Promise<Response>): Promise<unknown> {
  vi.stubGlobal('fetch', async () => answer())
  return http.request('GET', '/me').catch((error: unknown) => error)
}

describe('Http', () => {
  const problem = JSON.stringify({ title: 'Too many', detail: 'activities: 100 a day' })
  const cases: [string, () => Response | Promise<Response>, object][] = [
    ['no network', () => Promise.reject(new TypeError('Failed to fetch')), { code: 'network', reason: 'GET /me: Failed to fetch' }],
    ['a page in between', () => new Response('<h1>Welcome to our hotel</h1>'), { code: 'network' }],
    ['an answer that is cut', () => new Response(new ReadableStream({ start: (c) => c.error(new TypeError('cut')) })), { code: 'network', reason: 'GET /me: cut' }],
    ['a refusal', () => new Response(problem, { status: 429, headers: { 'Retry-After': '10' } }), { code: 'rate', status: 429, reason: 'activities: 100 a day', retryAfter: 10 }],
    ['a refusal without a reason', () => new Response('gone fishing', { status: 503 }), { code: 'unavailable', reason: 'the server answered 503' }],
  ]
  for (const [what, answer, want] of cases) {
    test(`Err: ${what} is a typed error`, async () => {
      const error = await failure(answer)
      expect(error).toBeInstanceOf(FitmqError)
      expect(error).toMatchObject(want)
    })
  }

  test('OK: nothing to say is undefined', async () => {
    expect(await failure(() => new Response(null, { status: 204 }))).toBeUndefined()
  })
})

describe('publish', () => {
  const self: Record<string, unknown> = {}
  self['self'] = self
  for (const [what, payload] of [['refers to itself', self], ['is nothing', undefined], ['has a BigInt', { n: 1n }]] as const) {
    test(`ErrMalformed: a payload that ${what}`, async () => {
      const fit = connect({ url: 'http://127.0.0.1:9', username: 'ana', password: 'x', storage: 'memory', transports: [] })
      await expect(fit.publish('lamp/1', payload)).rejects.toMatchObject({ name: 'FitmqError', code: 'malformed', topic: 'lamp/1' })
      await fit.close()
    })
  }
})
