import { expect, test } from 'vitest'
import { wishesOf } from './wishes'

const now = Date.parse('2026-06-04T10:00:00Z')

function form(fields: Record<string, string | string[]>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) for (const v of [value].flat()) data.append(name, v)
  return data
}

test('what is left empty is no wish', () => {
  expect(wishesOf(form({ fastMin: '', fastMax: ' ', level: '', begin: '0' }), false, now)).toEqual({})
})

test('pace, levels and a later begin', () => {
  expect(wishesOf(form({ fastMin: '5:00', fastMax: '6:15', level: 'advanced', levels: ['advanced', 'expert'], begin: '30' }), false, now)).toEqual({
    paceMin: 300, paceMax: 375, level: 'advanced', levels: ['advanced', 'expert'], from: '2026-06-04T10:30:00.000Z',
  })
})

test('speed where people say it in km/h', () => {
  expect(wishesOf(form({ fastMin: '18', fastMax: '28,8' }), true, now)).toEqual({ speedMin: 5, speedMax: 8 })
})

test.each([[false, '5'], [false, 'fast'], [true, 'x'], [true, '-3']])('by speed %s, %j cannot be read', (bySpeed, said) => {
  expect(wishesOf(form({ fastMin: said }), bySpeed, now)).toBeUndefined()
})
