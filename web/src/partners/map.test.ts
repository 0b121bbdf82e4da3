import { describe, expect, test } from 'vitest'
import { bands, cellMetres, cellOf, moved, paceOf, reach, rings, spot } from './map'

describe('cells', () => {
  test('hide where exactly one is', () => {
    const here = cellOf(52.52, 13.405)
    expect(cellOf(here.latitude + 0.004, here.longitude - 0.006)).toEqual(here)
    expect(cellMetres).toBeGreaterThan(1100)
    expect(cellMetres).toBeLessThan(1300)
  })
  test('three decimals at most leave the browser', () => {
    const { latitude, longitude } = cellOf(-33.868819, 151.209295)
    for (const v of [latitude, longitude]) expect(Math.abs(v * 1000 - Math.round(v * 1000))).toBeLessThan(1e-6)
  })
  test('a step and back is where one was', () => {
    const here = cellOf(52.52, 13.405)
    expect(moved(here, 0, 1)).not.toEqual(here)
    expect(moved(moved(here, 0, 1), 0, -1)).toEqual(here)
    expect(moved(here, 1, 0).longitude).toBeGreaterThan(here.longitude)
  })
  test.each([[89.9, 0], [-90, 10], [0, 180], [10, -180]])('%f, %f stays on the globe', (lat, lon) => {
    const c = moved(cellOf(lat, lon), 1, 1)
    expect(Math.abs(c.latitude)).toBeLessThanOrEqual(90)
    expect(Math.abs(c.longitude)).toBeLessThanOrEqual(180)
  })
})

describe('the map', () => {
  test('shows the rings that it reaches', () => {
    expect(rings(5000)).toEqual([2000, 5000])
    expect(rings(100)).toEqual([2000])
    expect(reach(50_000)).toBeGreaterThan(50_000)
  })
  test.each(bands)('a partner under %i m away stands inside that ring and outside the one before', (band) => {
    const { x, y } = spot('pYm9vCsQ', band)
    const far = Math.hypot(x, y)
    expect(far).toBeLessThan(band)
    expect(far).toBeGreaterThan([0, ...bands].filter((b) => b < band).at(-1) ?? 0)
    expect(spot('pYm9vCsQ', band)).toEqual({ x, y })
  })
})

describe('paceOf', () => {
  test.each([['5:30', 330], ['05:30', 330], [' 4:05 ', 245], ['5:60', undefined], ['0:10', undefined], ['61:00', undefined], ['fast', undefined], ['', undefined]])('%s', (text, want) => {
    expect(paceOf(text)).toBe(want)
  })
})
