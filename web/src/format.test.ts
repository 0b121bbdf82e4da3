import { describe, expect, test } from 'vitest'
import { absent, count, distance, formatAgo, formatDuration, formatGap, formatScore, formatTimeLeft, heartRateZone, hue, initials, join, speedOrPace, zoneRange } from './format'
import { strings } from './strings'

describe('scores', () => {
  test.each([
    [7242.48, 'm', '7.24 km'],
    [999.4, 'm', '999 m'],
    [22400, 'm', '22.40 km'],
    [3661.9, 's', '1:01:01'],
    [512.4, 'kcal', '512 kcal'],
    [12345, 'count', '12,345'],
    [2.5, 'points', '2.5 points'],
    [0, 'm', '0 m'],
  ])('%d %s is %s', (value, unit, want) => {
    expect(formatScore(value, unit)).toBe(want)
  })

  test.each([
    [37.7, 'm', '37.7 m'],
    [-37.7, 'm', '37.7 m'],
    [526.2, 'm', '526 m'],
    [1040, 'm', '1.04 km'],
    [12, 's', '0:12'],
  ])('a gap of %d %s is %s', (gap, unit, want) => {
    expect(formatGap(gap, unit)).toBe(want)
  })
})

describe('pace and speed', () => {
  test.each([
    [4, 'running', '4:10 /km'],
    [10, 'cycling', '36.0 km/h'],
    [1.25, 'swimming', '1:20 /100 m'],
    [4, 'rowing', '2:05 /500 m'],
    [4, undefined, '14.4 km/h'],
    [0, 'running', `${absent} /km`],
    [0.1, 'running', `${absent} /km`],
    [undefined, 'running', `${absent} /km`],
    [0, 'cycling', '0.0 km/h'],
  ])('%s m/s %s is %s', (speed, sport, want) => {
    expect(join(speedOrPace(speed, sport))).toBe(want)
  })
})

test('times', () => {
  expect(formatDuration(0)).toBe('0:00')
  expect(formatDuration(59.9)).toBe('0:59')
  expect(formatDuration(-5)).toBe('0:00')
  expect(formatTimeLeft(3 * 86400 + 4 * 3600)).toBe('3 d 4 h')
  expect(formatTimeLeft(7500)).toBe('2 h 5 min')
  expect(formatTimeLeft(249)).toBe('4:09')
  expect([formatAgo(-1), formatAgo(12_000), formatAgo(120_000), formatAgo(7_200_000)]).toEqual(['now', '12 s', '2 min', '2 h'])
})

test('what was not measured is a dash, zero is a zero', () => {
  expect(join(count(undefined, 'bpm'))).toBe(`${absent} bpm`)
  expect(join(count(0, 'W'))).toBe('0 W')
  expect(join(distance(0))).toBe('0 m')
})

test.each([
  [190, [94, 95, 113, 114, 132, 133, 151, 152, 170, 171, 240], [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]],
  [200, [99, 100, 119, 120, 139, 140, 159, 160, 179, 180], [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]],
])('heart-rate zones of who has a maximum of %d', (max, bpm, zones) => {
  expect(bpm.map((b) => heartRateZone(b, max))).toEqual(zones)
})

test('no zone without a heart rate or a maximum', () => {
  expect([heartRateZone(undefined, 190), heartRateZone(0, 190), heartRateZone(150, undefined)]).toEqual([undefined, undefined, undefined])
})

test('a zone reaches from and to', () => {
  expect([0, 1, 3, 5].map((z) => zoneRange(z, 190))).toEqual([
    { from: undefined, to: 94 }, { from: 95, to: 113 }, { from: 133, to: 151 }, { from: 171, to: undefined },
  ])
})

test('initials and colours', () => {
  expect([initials('Ana Ferreira'), initials('ana'), initials('  '), initials('Åsa de la Öst')]).toEqual(['AF', 'A', '?', 'ÅÖ'])
  expect(hue('ana')).toBe(hue('ana'))
  const hues = ['ana', 'ben', 'tess'].map(hue)
  expect(new Set(hues).size).toBe(3)
  for (const h of hues) expect(h >= 0 && h < 360).toBe(true)
})

describe('strings.lastSeen', () => {
  test('OK: reads as a sentence at any age', () => {
    expect([0, 12_000, 180_000].map((ms) => strings.lastSeen(formatAgo(ms)))).toEqual(['seen just now', 'seen 12 s ago', 'seen 3 min ago'])
  })
})
