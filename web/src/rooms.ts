// The rooms of the app, in the order of the navigation. A room is one line here, its name in strings.rooms, and a
// component that gets its Place; its code is loaded when it is first entered.
import { lazy, type ComponentType } from 'react'
import type { Role } from './shell/me'
import type { Place } from './route'

export type RoomId = 'live'

export interface Room {
  readonly id: RoomId
  /** A picture of one path in a box of 24. */
  readonly picture: string
  /** Who finds it in the navigation; everybody where it is missing. The broker decides what they may see there. */
  readonly roles?: readonly Role[]
  /** Which number stands beside its name. */
  readonly badge?: 'messages' | 'notifications'
  readonly View: ComponentType<{ place: Place }>
}

export const rooms: readonly Room[] = [
  { id: 'live', picture: 'M3 12h4l3-8 4 16 3-8h4', View: lazy(() => import('./live/LiveRoom')) },
]

/** The room that a place is in; the first one at the entrance. */
export function roomOf(place: Place): Room {
  return rooms.find((r) => r.id === place.room) ?? (rooms[0] as Room)
}
