import type { Place } from '../route'
import { Inbox } from './Inbox'
import { Preferences } from './Preferences'

/** One's notifications, or what one wants to hear of. */
export default function InboxRoom({ place }: { place: Place }) {
  return place.path[0] === 'preferences' ? <Preferences /> : <Inbox />
}
