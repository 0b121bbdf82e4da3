import { describe, expect, test } from 'vitest'
import { kinds, preferencesOf } from './preferences'

function form(fields: Record<string, string>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  return data
}

const allOn = Object.fromEntries(kinds.map((k) => [`kind-${k}`, 'on']))

describe('preferencesOf', () => {
  test('everything on is nothing off, and no quiet hours', () => {
    expect(preferencesOf(form({ ...allOn, presence: 'shared', units: 'km' }), {})).toEqual({
      presence: 'shared', units: 'km', notifications: { off: [] }, maxHeartRate: undefined,
    })
  })
  test('what is switched off, quiet hours, miles, private', () => {
    const { 'kind-milestone': _, ...rest } = allOn
    const data = form({ ...rest, presence: 'private', units: 'mile', maxHeartRate: '188', quiet: 'on', start: '22:00', end: '07:00', timeZone: 'Europe/Berlin' })
    expect(preferencesOf(data, {})).toEqual({
      presence: 'private', units: 'mile', maxHeartRate: 188,
      notifications: { off: ['milestone'], quiet: { start: '22:00', end: '07:00', timeZone: 'Europe/Berlin' } },
    })
  })
  test('a kind that the form does not know stays off', () => {
    expect(preferencesOf(form(allOn), { notifications: { off: ['weather'] } }).notifications?.off).toEqual(['weather'])
  })
})
