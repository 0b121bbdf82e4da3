import { useFitmq } from '@fitmq/react'
import { useEffect } from 'react'
import { placeOf } from '../inbox/place'
import { hrefOf } from '../route'
import { useTell } from './Notices'

/** Older than this, in ms, a notification has waited for its reader, and the inbox with its number is enough. */
const newsFor = 2 * 60_000

/** Tells of notifications as they come; not in the inbox, which shows them itself. */
export function News({ room }: { room: string }) {
  const client = useFitmq()
  const tell = useTell()
  useEffect(() => {
    if (room === 'inbox') return
    return client.onNotification((n) => {
      if (Date.now() - Date.parse(n.timestamp) < newsFor) tell(n.content, 'news', placeOf(n) ?? hrefOf('inbox'))
    })
  }, [client, tell, room])
  return null
}
