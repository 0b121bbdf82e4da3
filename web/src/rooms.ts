// The rooms of the app, in the order of the navigation. A room is one line here, its name in strings.rooms, and a
// component that gets its Place; its code is loaded when it is first entered.
import { lazy, type ComponentType } from 'react'
import type { Role } from './shell/me'
import type { Place } from './route'

export type RoomId = 'live' | 'challenges' | 'training' | 'chat' | 'partners' | 'inbox' | 'console'

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
  { id: 'challenges', picture: 'M7 4h10v5a5 5 0 0 1-10 0zM7 6H4a3 3 0 0 0 3 4M17 6h3a3 3 0 0 1-3 4M12 14v5M8 20h8', View: lazy(() => import('./challenge/ChallengesRoom')) },
  { id: 'training', picture: 'M3 12h18M6 8v8M18 8v8M3 10v4M21 10v4', View: lazy(() => import('./training/TrainingRoom')) },
  { id: 'chat', picture: 'M4 5h16v11H10l-5 4v-4H4z', badge: 'messages', View: lazy(() => import('./chat/ChatRoom')) },
  { id: 'partners', picture: 'M12 21s7-6.5 7-11.5A7 7 0 0 0 5 9.5C5 14.5 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z', View: lazy(() => import('./partners/PartnersRoom')) },
  { id: 'inbox', picture: 'M6 10a6 6 0 0 1 12 0c0 5 2 6 2 6H4s2-1 2-6M10 20h4', badge: 'notifications', View: lazy(() => import('./inbox/InboxRoom')) },
  { id: 'console', picture: 'M4 20V10M10 20V4M16 20v-8M22 20H2', roles: ['admin'], View: lazy(() => import('./console/ConsoleRoom')) },
]

/** The room that a place is in; the first one at the entrance. */
export function roomOf(place: Place): Room {
  return rooms.find((r) => r.id === place.room) ?? (rooms[0] as Room)
}
