// Who signs in: from the address's fragment (which never leaves the browser), from the form, or from this tab's
// sessionStorage. Nothing is kept beyond the tab.
import { hrefOf } from './route'

/** What a sign-in needs: a user with a password, or a token. */
export interface Ticket {
  user: string
  password: string
  token: string
}

const idForm = /^[A-Za-z0-9_-]{1,64}$/

/** Whether text has the form of an id, which keeps wildcards and slashes out of topic filters. */
export function isId(text: string): boolean {
  return idForm.test(text)
}

/** What a link says: who signs in, and where it leads. */
export interface Link {
  ticket: Partial<Ticket>
  /** The hash of the place, undefined where the link names none. */
  place: string | undefined
}

/** Reads `#user=..&password=..&token=..&session=..&challenge=..&room=..`; undefined when it names none of them. */
export function parseLink(hash: string): Link | undefined {
  if (hash.startsWith('#/')) return undefined
  const params = new URLSearchParams(hash.replace(/^#/, ''))
  const ticket: Partial<Ticket> = {}
  for (const key of ['user', 'password', 'token'] as const) {
    const value = params.get(key)
    if (value !== null && value !== '') ticket[key] = value
  }
  const session = params.get('session') ?? ''
  const challenge = params.get('challenge') ?? ''
  const room = params.get('room') ?? ''
  const place = isId(room)
    ? hrefOf(room)
    : isId(session)
      ? hrefOf('live', [session], isId(challenge) ? { challenge } : {})
      : isId(challenge) ? hrefOf('challenges', [challenge]) : undefined
  return place === undefined && Object.keys(ticket).length === 0 ? undefined : { ticket, place }
}

/** Whether a ticket says enough to connect. */
export function isComplete(t: Partial<Ticket>): boolean {
  const { user = '', password = '', token = '' } = t
  return token !== '' || (isId(user) && password !== '')
}

const ticketKey = 'fitmq.ticket'

type Tab = Pick<Storage, 'getItem' | 'setItem'>

export function loadTicket(tab: Tab): Ticket {
  const known: Ticket = { user: '', password: '', token: '' }
  try {
    const raw: unknown = JSON.parse(tab.getItem(ticketKey) ?? '{}')
    if (typeof raw !== 'object' || raw === null) return known
    for (const key of ['user', 'password', 'token'] as const) {
      const value = (raw as Record<string, unknown>)[key]
      if (typeof value === 'string') known[key] = value
    }
  } catch {
    // Storage that somebody else wrote into is as good as none.
  }
  return known
}

export function saveTicket(tab: Tab, t: Ticket): void {
  tab.setItem(ticketKey, JSON.stringify(t))
}

/** Forgets the secrets; the user's name fills the form next time. */
export function forgetTicket(tab: Tab): void {
  saveTicket(tab, { user: loadTicket(tab).user, password: '', token: '' })
}
