import { describe, expect, test } from 'vitest'
import { clientId, forgetTicket, isComplete, isId, loadTicket, parseFragment, saveTicket } from './fragment'

/** A tab's storage in memory. */
function memory(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> & { content: Map<string, string> } {
  const content = new Map<string, string>()
  return {
    content,
    getItem: (k) => content.get(k) ?? null,
    setItem: (k, v) => void content.set(k, v),
    removeItem: (k) => void content.delete(k),
  }
}

describe('parseFragment', () => {
  test('reads all four', () => {
    expect(parseFragment('#user=ana&password=s3cret&session=track&challenge=june')).toEqual({
      user: 'ana', password: 's3cret', session: 'track', challenge: 'june',
    })
  })
  test('decodes what a link escapes', () => {
    expect(parseFragment('#user=ana&password=a%2Bb%26c%3Dd%20%25')).toEqual({ user: 'ana', password: 'a+b&c=d %' })
  })
  test('is nothing where nothing is named', () => {
    for (const hash of ['', '#', '#race', '#user=&password=']) expect(parseFragment(hash)).toBeUndefined()
  })
  test('keeps out what it does not know', () => {
    expect(parseFragment('#user=ana&role=admin')).toEqual({ user: 'ana' })
  })
})

describe('isComplete', () => {
  const whole = { user: 'ana', password: 'x', session: 's', challenge: 'c' }
  test('one of session and challenge is enough', () => {
    expect(isComplete(whole)).toBe(true)
    expect(isComplete({ ...whole, session: '' })).toBe(true)
    expect(isComplete({ user: 'ana', password: 'x', session: 's' })).toBe(true)
    expect(isComplete({ ...whole, session: '', challenge: '' })).toBe(false)
  })
  test('no wildcard gets into a filter', () => {
    for (const bad of ['+', '#', 'a/b', 'a b', 'ü', 'x'.repeat(65)]) {
      expect(isId(bad)).toBe(false)
      expect(isComplete({ ...whole, session: bad })).toBe(false)
      expect(isComplete({ ...whole, user: bad })).toBe(false)
    }
  })
})

describe('the tab', () => {
  test('keeps a ticket, and forgets the password and the client id', () => {
    const tab = memory()
    const ticket = { user: 'ana', password: 's3cret', session: 'track', challenge: '' }
    saveTicket(tab, ticket)
    clientId(tab, () => 'one')
    expect(loadTicket(tab)).toEqual(ticket)
    forgetTicket(tab)
    expect(loadTicket(tab)).toEqual({ user: 'ana', session: 'track', challenge: '' })
    expect([...tab.content.values()].join()).not.toContain('s3cret')
    expect(clientId(tab, () => 'two')).toBe('web-two')
  })
  test('survives what is not a ticket', () => {
    for (const odd of ['{', 'null', '3', '{"user":3}']) {
      const tab = memory()
      tab.setItem('fitmq.ticket', odd)
      expect(loadTicket(tab)).toEqual({})
    }
  })
  test('has one client id until it is renewed', () => {
    const tab = memory()
    let n = 0
    const next = (): string => String(++n)
    expect([clientId(tab, next), clientId(tab, next), clientId(tab, next, true), clientId(tab, next)]).toEqual(['web-1', 'web-1', 'web-2', 'web-2'])
  })
})
