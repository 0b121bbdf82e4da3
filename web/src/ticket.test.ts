import { describe, expect, test } from 'vitest'
import { forgetTicket, isComplete, isId, loadTicket, parseLink, saveTicket } from './ticket'

/** A tab's storage in memory. */
function memory(): Pick<Storage, 'getItem' | 'setItem'> & { content: Map<string, string> } {
  const content = new Map<string, string>()
  return { content, getItem: (k) => content.get(k) ?? null, setItem: (k, v) => void content.set(k, v) }
}

describe('parseLink', () => {
  test('signs in and leads to the session, with the challenge beside it', () => {
    expect(parseLink('#user=ana&password=s3cret&session=track&challenge=june')).toEqual({
      ticket: { user: 'ana', password: 's3cret' }, place: '#/live/track?challenge=june',
    })
  })
  test('leads to a challenge alone', () => {
    expect(parseLink('#challenge=june')).toEqual({ ticket: {}, place: '#/challenges/june' })
  })
  test('takes a token', () => {
    expect(parseLink('#token=a.b.c')).toEqual({ ticket: { token: 'a.b.c' }, place: undefined })
  })
  test('decodes what a link escapes', () => {
    expect(parseLink('#user=ana&password=a%2Bb%26c%3Dd%20%25')?.ticket).toEqual({ user: 'ana', password: 'a+b&c=d %' })
  })
  test('is nothing where nothing is named, and for places of the app', () => {
    for (const hash of ['', '#', '#race', '#user=&password=', '#/live/track', '#/chat?user=ana']) expect(parseLink(hash)).toBeUndefined()
  })
  test('no wildcard gets into a place', () => {
    expect(parseLink('#session=%23&challenge=a/b')).toBeUndefined()
  })
})

describe('isComplete', () => {
  test('a user with a password, or a token', () => {
    expect(isComplete({ user: 'ana', password: 'x' })).toBe(true)
    expect(isComplete({ token: 'x' })).toBe(true)
    expect(isComplete({ user: 'ana' })).toBe(false)
    expect(isComplete({ password: 'x' })).toBe(false)
  })
  test.each(['+', '#', 'a/b', 'a b', 'ü', 'x'.repeat(65)])('%s is no id', (bad) => {
    expect(isId(bad)).toBe(false)
    expect(isComplete({ user: bad, password: 'x' })).toBe(false)
  })
})

describe('the tab', () => {
  test('keeps a ticket, and forgets its secrets', () => {
    const tab = memory()
    const ticket = { user: 'ana', password: 's3cret', token: 't0ken' }
    saveTicket(tab, ticket)
    expect(loadTicket(tab)).toEqual(ticket)
    forgetTicket(tab)
    expect(loadTicket(tab)).toEqual({ user: 'ana', password: '', token: '' })
    expect([...tab.content.values()].join()).not.toMatch(/s3cret|t0ken/)
  })
  test.each(['{', 'null', '3', '{"user":3}'])('survives %s, which is no ticket', (odd) => {
    const tab = memory()
    tab.setItem('fitmq.ticket', odd)
    expect(loadTicket(tab)).toEqual({ user: '', password: '', token: '' })
  })
})
