// What one wishes of a partner, as the form gives it. Pure.
import type { Beacon } from '@fitmq/client'
import { paceOf } from './map'

/** The levels that the broker knows. */
export const levels = ['beginner', 'intermediate', 'advanced', 'expert'] as const

const minute = 60_000

/** The part of a beacon that says who suits; undefined where a pace or speed cannot be read. What is left empty is no wish. */
export function wishesOf(data: Pick<FormData, 'get' | 'getAll'>, bySpeed: boolean, now: number): Partial<Beacon> | undefined {
  const text = (name: string): string => String(data.get(name) ?? '').trim()
  const fast = (name: string): number | undefined => {
    const said = text(name)
    if (said === '') return undefined
    return bySpeed ? Number(said.replace(',', '.')) / 3.6 : (paceOf(said) ?? NaN)
  }
  const [min, max] = [fast('fastMin'), fast('fastMax')]
  if ([min, max].some((v) => v !== undefined && !(v > 0))) return undefined
  const names = bySpeed ? (['speedMin', 'speedMax'] as const) : (['paceMin', 'paceMax'] as const)
  const wanted = data.getAll('levels').map(String)
  const begin = Number(text('begin'))
  return {
    ...(min === undefined ? {} : { [names[0]]: min }),
    ...(max === undefined ? {} : { [names[1]]: max }),
    ...(text('level') === '' ? {} : { level: text('level') }),
    ...(wanted.length === 0 ? {} : { levels: wanted }),
    ...(begin > 0 ? { from: new Date(now + begin * minute).toISOString() } : {}),
  }
}
