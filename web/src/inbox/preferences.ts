// What a user chooses, as the broker keeps it, and as a form shows it. Pure.

/** GET and PUT /users/{id}/preferences; what is left out is the default. */
export interface Preferences {
  presence?: 'shared' | 'private'
  units?: 'km' | 'mile'
  maxHeartRate?: number
  notifications?: { off?: readonly string[]; quiet?: { start: string; end: string; timeZone?: string } }
}

/** The kinds that the form offers. */
export const kinds = ['session', 'challenge', 'training', 'milestone', 'match', 'reminder', 'general'] as const

/** The form's fields as preferences. Kinds that the form does not show stay as they were. */
export function preferencesOf(data: FormData, before: Preferences): Preferences {
  const text = (name: string): string => String(data.get(name) ?? '').trim()
  const shown = new Set<string>(kinds)
  const off = [...(before.notifications?.off ?? []).filter((k) => !shown.has(k)), ...kinds.filter((k) => data.get(`kind-${k}`) !== 'on')]
  const quiet = data.get('quiet') === 'on'
    ? { quiet: { start: text('start'), end: text('end'), ...(text('timeZone') === '' ? {} : { timeZone: text('timeZone') }) } }
    : {}
  const max = Number(text('maxHeartRate'))
  return {
    ...before,
    presence: text('presence') === 'private' ? 'private' : 'shared',
    units: text('units') === 'mile' ? 'mile' : 'km',
    notifications: { off, ...quiet },
    ...(max > 0 ? { maxHeartRate: max } : { maxHeartRate: undefined }),
  } as Preferences
}
