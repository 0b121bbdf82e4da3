import { connect, type Client } from '@fitmq/client'
import { FitmqProvider } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { Shell } from './shell/Shell'
import { SignIn, type SignInProblem } from './shell/SignIn'
import { forgetTicket, isComplete, loadTicket, parseLink, saveTicket, type Ticket } from './ticket'

/** Takes what a link says into this tab and out of the address bar. */
function readAddress(): Ticket {
  const link = parseLink(location.hash)
  if (link !== undefined) {
    // A link that signs somebody in replaces who was; one that only leads somewhere keeps it.
    if (Object.keys(link.ticket).length > 0) saveTicket(sessionStorage, { user: '', password: '', token: '', ...link.ticket })
    history.replaceState(null, '', link.place ?? location.pathname + location.search)
    window.dispatchEvent(new HashChangeEvent('hashchange'))
  }
  return loadTicket(sessionStorage)
}

function open(ticket: Ticket): Client {
  return connect(ticket.token !== '' ? { token: ticket.token } : { username: ticket.user, password: ticket.password })
}

/** Signed out: the form. Signed in: the app, with one client for all of it. */
export function App() {
  const [ticket, setTicket] = useState(readAddress)
  const [problem, setProblem] = useState<SignInProblem>()
  const [client, setClient] = useState<Client>()

  useEffect(() => {
    const onHash = (): void => {
      if (parseLink(location.hash) !== undefined) setTicket(readAddress())
    }
    window.addEventListener('hashchange', onHash)
    return () => window.removeEventListener('hashchange', onHash)
  }, [])

  useEffect(() => {
    if (!isComplete(ticket)) return
    const made = open(ticket)
    let known = false // that the broker has let us in before
    const off = made.onStatus(({ state, error }) => {
      if (state === 'connected') known = true
      if (state !== 'closed' || error === undefined) return
      forgetTicket(sessionStorage)
      setProblem(error.code !== 'sign-in' ? 'failed' : known ? 'ended' : ticket.token !== '' ? 'refusedToken' : 'refused')
      setTicket(loadTicket(sessionStorage))
    })
    setClient(made)
    return () => {
      off()
      setClient(undefined)
      void made.close()
    }
  }, [ticket])

  if (!isComplete(ticket)) {
    return (
      <SignIn
        user={ticket.user}
        problem={problem}
        onSubmit={(t) => {
          saveTicket(sessionStorage, t)
          setProblem(undefined)
          setTicket(t)
        }}
      />
    )
  }
  if (client === undefined) return null
  return (
    <FitmqProvider client={client}>
      <Shell
        onSignOut={() => {
          forgetTicket(sessionStorage)
          setProblem(undefined)
          setTicket(loadTicket(sessionStorage))
        }}
      />
    </FitmqProvider>
  )
}
