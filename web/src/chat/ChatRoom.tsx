import type { Place } from '../route'
import { strings } from '../strings'
import { useTitle } from '../ui/hooks'
import { Conversation } from './Conversation'
import { Conversations } from './Conversations'

/** The conversations beside the one that is open; on a phone one or the other. */
export default function ChatRoom({ place }: { place: Place }) {
  const [first, second] = place.path
  const which = first === 'with' && second !== undefined ? { with: second } : first
  useTitle(strings.chat.title)
  return (
    <div className="chat-room" data-open={which !== undefined}>
      {which !== undefined && <h1 className="visually-hidden chat-heading">{strings.chat.title}</h1>}
      <Conversations open={typeof which === 'string' ? which : which?.with} />
      {which === undefined ? (
        <p className="panel empty chat-none">{strings.chat.pick}</p>
      ) : (
        <Conversation key={place.path.join('/')} which={which} />
      )}
    </div>
  )
}
