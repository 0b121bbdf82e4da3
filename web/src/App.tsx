import { useEffect, useState } from 'react'
import { LivePage } from './components/LivePage'
import { SignIn } from './components/SignIn'
import { clientId, forgetTicket, isComplete, loadTicket, parseFragment, saveTicket, type Ticket } from './fragment'
import { Live, type SignInProblem } from './live'

/** Takes what the address's fragment says into this tab and out of the address bar. */
function readAddress(): Partial<Ticket> {
  const given = parseFragment(location.hash)
  if (given !== undefined) {
    // A link that signs somebody in replaces everything; one that only names a session keeps who is signed in.
    const merged = given.user === undefined ? { ...loadTicket(sessionStorage), ...given } : given
    const { user = '', password = '', session = '', challenge = '' } = merged
    saveTicket(sessionStorage, { user, password, session, challenge })
    history.replaceState(null, '', location.pathname + location.search)
  }
  return loadTicket(sessionStorage)
}

const socketUrl = (): string => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mqtt`

// Not crypto.randomUUID: a browser offers that on secure origins only, and a broker in a gym may have none.
const randomName = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(36).padStart(2, '0')).join('')

/** Signed out: the form. Signed in: the live page. */
export function App() {
  const [ticket, setTicket] = useState(readAddress)
  const [problem, setProblem] = useState<SignInProblem>()
  const [live, setLive] = useState<Live>()

  useEffect(() => {
    const onHash = (): void => {
      if (parseFragment(location.hash) !== undefined) setTicket(readAddress())
    }
    window.addEventListener('hashchange', onHash)
    return () => window.removeEventListener('hashchange', onHash)
  }, [])

  useEffect(() => {
    if (!isComplete(ticket)) return
    const made = new Live({
      url: socketUrl(),
      ticket,
      clientId: (renew) => clientId(sessionStorage, randomName, renew),
      onSignInProblem: (why) => {
        forgetTicket(sessionStorage)
        setProblem(why)
        setTicket(loadTicket(sessionStorage))
      },
    })
    setLive(made)
    void made.start()
    return () => {
      made.stop()
      setLive(undefined)
    }
  }, [ticket])

  if (isComplete(ticket)) {
    if (live === undefined) return null
    return (
      <LivePage
        live={live}
        onSignOut={() => {
          forgetTicket(sessionStorage)
          setProblem(undefined)
          setTicket(loadTicket(sessionStorage))
        }}
      />
    )
  }
  return (
    <SignIn
      known={ticket}
      problem={problem}
      onSubmit={(t) => {
        saveTicket(sessionStorage, t)
        setProblem(undefined)
        setTicket(t)
      }}
    />
  )
}
