import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Credentials } from '../src/credentials.js'

const hour = 3600_000
const now = 1_800_000_000_000
beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => void vi.useRealTimers())

/** A token that a server with the right time gives out now. */
function token(lives: number, claims: Record<string, unknown> = { iat: now / 1000 }): string {
  return `h.${Buffer.from(JSON.stringify({ sub: 'ana', exp: now / 1000 + lives, ...claims })).toString('base64url')}.s`
}

describe('Credentials', () => {
  for (const [what, skew] of [['right', 0], ['an hour slow', -hour], ['an hour fast', hour], ['half a minute slow', -30_000]] as const) {
    test(`OK: with a clock that is ${what} a token is renewed before it ends, and not asked for all the time`, async () => {
      vi.setSystemTime(now + skew)
      const getToken = vi.fn(() => token(600))
      const c = new Credentials({ getToken })
      expect((await c.get()).user).toBe('ana')
      expect(c.renewIn(), 'a fifth of its life before its end').toBeCloseTo(480_000, -3)
      await c.get()
      await c.get()
      expect(getToken).toHaveBeenCalledOnce()
      vi.setSystemTime(now + skew + 601_000)
      await c.get()
      expect(getToken).toHaveBeenCalledTimes(2)
    })
  }

  test('OK: a token that seems to have run out and says no more is used until the broker refuses it', async () => {
    const getToken = vi.fn(() => token(-5, {}))
    const c = new Credentials({ getToken })
    await c.get()
    await c.get()
    expect(c.renewIn()).toBeUndefined()
    expect(getToken).toHaveBeenCalledOnce()
    c.forget()
    await c.get()
    expect(getToken).toHaveBeenCalledTimes(2)
  })

  test('OK: who asks at once gets the same token', async () => {
    const getToken = vi.fn(async () => token(600))
    const c = new Credentials({ getToken })
    const [a, b] = await Promise.all([c.get(), c.renew()])
    expect(a).toBe(b)
    expect(getToken).toHaveBeenCalledOnce()
  })

  test('OK: passwords with letters of any alphabet', async () => {
    const c = new Credentials({ username: 7, password: 'grüße+&' })
    expect(await c.header()).toBe(`Basic ${Buffer.from('7:grüße+&').toString('base64')}`)
    expect(c.renewIn()).toBeUndefined()
  })

  test('ErrSignIn: an empty token, and one that names nobody', async () => {
    await expect(new Credentials({ getToken: () => '' }).get()).rejects.toMatchObject({ code: 'sign-in', reason: 'the token is empty' })
    await expect(new Credentials({ getToken: () => Promise.reject(new Error('503')) }).get()).rejects.toMatchObject({ code: 'network', reason: 'getToken: 503' })
  })
})
