import { describe, expect, test } from 'vitest'
import { hrefOf, parsePlace } from './route'

describe('places', () => {
  test.each([
    ['#/live/morning-ride?challenge=june', { room: 'live', path: ['morning-ride'], query: { challenge: 'june' } }],
    ['#/chat/ana.tess', { room: 'chat', path: ['ana.tess'], query: {} }],
    ['#/a%2Fb/c%20d', { room: 'a/b', path: ['c d'], query: {} }],
    ['', { room: '', path: [], query: {} }],
    ['#/', { room: '', path: [], query: {} }],
    ['#/chat/%E0%A4%A', { room: 'chat', path: ['%E0%A4%A'], query: {} }],
  ])('%s is read', (hash, place) => {
    expect(parsePlace(hash)).toEqual(place)
  })
  test('what is written is read again', () => {
    const place = { room: 'live', path: ['a b', 'ü/?#'], query: { challenge: 'x&y=z' } }
    expect(parsePlace(hrefOf(place.room, place.path, place.query))).toEqual(place)
  })
})
