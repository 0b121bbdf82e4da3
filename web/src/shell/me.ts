import type { Client } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { createContext, useContext, useEffect, useState } from 'react'
import { learnNames } from '../ui/names'

export type Role = 'member' | 'trainer' | 'service' | 'admin'

/** Who has signed in. */
export interface Me {
  readonly userId: string
  readonly name: string
  readonly role: Role
}

const key = (user: string): string => `fitmq.me.${user}`

/** What this tab has learned before, so that a reload without a network knows it too. */
function remembered(user: string): Me {
  try {
    const raw = JSON.parse(sessionStorage.getItem(key(user)) ?? '') as Partial<Me>
    if (raw.userId === user && typeof raw.name === 'string' && typeof raw.role === 'string') return raw as Me
  } catch {
    // Nothing kept, or not by us.
  }
  return { userId: user, name: user, role: 'member' }
}

/** Asks who one is, again with every new connection; before the answer it is what was known. */
export function useWhoAmI(client: Client): Me | undefined {
  const [me, setMe] = useState<Me | undefined>(() => (client.userId === undefined ? undefined : remembered(client.userId)))
  useEffect(() => {
    let over = false
    const ask = (): void => {
      if (client.status.state !== 'connected') return
      client.request<Me>('GET', '/me').then((answer) => {
        if (over) return
        sessionStorage.setItem(key(answer.userId), JSON.stringify(answer))
        learnNames([answer])
        setMe(answer)
      }, () => undefined) // the next connection asks again
    }
    ask()
    let before = client.status.state
    const off = client.onStatus(({ state }) => {
      if (state === 'connected' && before !== 'connected') ask()
      before = state
    })
    return () => {
      over = true
      off()
    }
  }, [client])
  return me
}

export const MeContext = createContext<Me | undefined>(undefined)

/** Who has signed in; for components below the shell. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (me === undefined) throw new Error('useMe needs the shell above it')
  return me
}

/** How many messages and notifications are unread, and in which conversations. */
export function useUnread(): { messages: number; notifications: number; conversations: Readonly<Record<string, number>> } {
  const client = useFitmq()
  const [unread, setUnread] = useState({ messages: 0, notifications: 0, conversations: {} as Readonly<Record<string, number>> })
  useEffect(() => client.onUnread((u) => {
    const messages = Object.values(u.conversations).reduce((sum, n) => sum + n, 0)
    setUnread({ messages, notifications: u.notifications, conversations: u.conversations })
  }), [client])
  return unread
}
