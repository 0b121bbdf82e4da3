import { useState, type FormEvent } from 'react'
import { strings } from '../strings'
import { isComplete, isId, type Ticket } from '../ticket'
import { Mark } from '../ui/parts'
import { ThemeButton } from './ThemeButton'

const t = strings.signIn

/** Why the page asks (again): the secret is wrong, it has run out, or the connection was refused for another reason. */
export type SignInProblem = 'refused' | 'refusedToken' | 'ended' | 'failed'

interface Props {
  user: string
  problem: SignInProblem | undefined
  onSubmit: (ticket: Ticket) => void
}

/** Signing in with a user name and a password, or with a token. */
export function SignIn({ user, problem, onSubmit }: Props) {
  const [byToken, setByToken] = useState(false)
  const [wrong, setWrong] = useState<string>()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const field = (name: string): string => String(data.get(name) ?? '').trim()
    const ticket: Ticket = { user: field('user'), password: String(data.get('password') ?? ''), token: field('token') }
    if (!byToken && !isId(ticket.user)) return setWrong(t.badId)
    if (!isComplete(ticket)) return setWrong(t.incomplete)
    setWrong(undefined)
    onSubmit(ticket)
  }
  const message = wrong ?? (problem === undefined ? undefined : t[problem])
  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={submit} data-testid="sign-in">
        <div className="sign-in-top">
          <Mark />
          <ThemeButton />
        </div>
        <h1>{t.title}</h1>
        <p className="muted">{t.lead}</p>
        <p role="alert" className="problem" data-testid="sign-in-problem" hidden={message === undefined}>
          {message}
        </p>
        {byToken ? (
          <label>
            {t.token}
            <input name="token" type="password" autoComplete="off" spellCheck={false} required />
          </label>
        ) : (
          <>
            <label>
              {t.user}
              <input name="user" autoComplete="username" autoCapitalize="none" spellCheck={false} required defaultValue={user} />
            </label>
            <label>
              {t.password}
              <input name="password" type="password" autoComplete="current-password" required />
            </label>
          </>
        )}
        <button type="submit" className="button">
          {t.submit}
        </button>
        <button type="button" className="link-button" onClick={() => {
          setWrong(undefined)
          setByToken(!byToken)
        }}>
          {byToken ? t.usePassword : t.useToken}
        </button>
        <p className="fine">{t.stays}</p>
      </form>
    </main>
  )
}
