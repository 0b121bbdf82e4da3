// Who signs in, to what: from the address's fragment (which never leaves the browser), from the form, or
// from this tab's sessionStorage. Nothing is kept beyond the tab.

/** What a connection needs. At least one of session and challenge is set when it is complete. */
export interface Ticket {
  user: string
  password: string
  session: string
  challenge: string
}

const idForm = /^[A-Za-z0-9_-]{1,64}$/

/** Whether text has the form of an id, which keeps wildcards and slashes out of topic filters. */
export function isId(text: string): boolean {
  return idForm.test(text)
}

/** Reads `#user=..&password=..&session=..&challenge=..`; undefined when it names none of them. */
export function parseFragment(hash: string): Partial<Ticket> | undefined {
  const params = new URLSearchParams(hash.replace(/^#/, ''))
  const found: Partial<Ticket> = {}
  for (const key of ['user', 'password', 'session', 'challenge'] as const) {
    const value = params.get(key)
    if (value !== null && value !== '') found[key] = value
  }
  return Object.keys(found).length === 0 ? undefined : found
}

/** Whether a ticket says enough to connect. */
export function isComplete(t: Partial<Ticket>): t is Ticket {
  const { user = '', password = '', session = '', challenge = '' } = t
  return isId(user) && password !== '' && (isId(session) || isId(challenge)) &&
    (session === '' || isId(session)) && (challenge === '' || isId(challenge))
}

const ticketKey = 'fitmq.ticket'
const clientKey = 'fitmq.client'

type Tab = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export function loadTicket(tab: Tab): Partial<Ticket> {
  try {
    const raw: unknown = JSON.parse(tab.getItem(ticketKey) ?? '{}')
    if (typeof raw !== 'object' || raw === null) return {}
    const known: Partial<Ticket> = {}
    for (const key of ['user', 'password', 'session', 'challenge'] as const) {
      const value = (raw as Record<string, unknown>)[key]
      if (typeof value === 'string') known[key] = value
    }
    return known
  } catch {
    return {} // Storage that somebody else wrote into is as good as none.
  }
}

export function saveTicket(tab: Tab, t: Ticket): void {
  tab.setItem(ticketKey, JSON.stringify(t))
}

/** Forgets the password and the client id; the rest fills the form next time. */
export function forgetTicket(tab: Tab): void {
  const { user = '', session = '', challenge = '' } = loadTicket(tab)
  tab.setItem(ticketKey, JSON.stringify({ user, session, challenge }))
  tab.removeItem(clientKey)
}

/** This tab's client id, made once; renew makes another (a copied tab has its original's). */
export function clientId(tab: Tab, random: () => string, renew = false): string {
  const known = tab.getItem(clientKey)
  if (known !== null && !renew) return known
  const made = `web-${random()}`
  tab.setItem(clientKey, made)
  return made
}
