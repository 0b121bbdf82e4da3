import { useState, type FormEvent } from 'react'
import { isComplete, type Ticket } from '../fragment'
import type { SignInProblem } from '../live'
import { strings } from '../strings'
import { Mark } from './parts'

const t = strings.signIn

interface Props {
  known: Partial<Ticket>
  problem: SignInProblem | undefined
  onSubmit: (ticket: Ticket) => void
}

/** Why a ticket is not complete, in words; undefined when it is. */
function fault(ticket: Partial<Ticket>): string | undefined {
  if (isComplete(ticket)) return undefined
  const { session = '', challenge = '' } = ticket
  return session === '' && challenge === '' ? t.needOne : t.badId
}

export function SignIn({ known, problem, onSubmit }: Props) {
  const [wrong, setWrong] = useState<string>()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const field = (name: string): string => {
      const value = data.get(name)
      return typeof value === 'string' ? value : ''
    }
    const ticket = {
      user: field('user').trim(),
      password: field('password'),
      session: field('session').trim(),
      challenge: field('challenge').trim(),
    }
    const why = fault(ticket)
    setWrong(why)
    if (why === undefined) onSubmit(ticket)
  }
  const message = wrong ?? (problem === undefined ? undefined : t[problem])
  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={submit} data-testid="sign-in">
        <Mark />
        <h1>{t.title}</h1>
        <p className="muted">{t.lead}</p>
        <p role="alert" className="problem" data-testid="sign-in-problem" hidden={message === undefined}>
          {message}
        </p>
        <label>
          {t.user}
          <input name="user" autoComplete="username" autoCapitalize="none" spellCheck={false} required defaultValue={known.user} />
        </label>
        <label>
          {t.password}
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <div className="pair">
          <label>
            {t.session}
            <input name="session" autoCapitalize="none" spellCheck={false} placeholder={t.sessionHint} defaultValue={known.session} />
          </label>
          <label>
            {t.challenge}
            <input name="challenge" autoCapitalize="none" spellCheck={false} placeholder={t.challengeHint} defaultValue={known.challenge} />
          </label>
        </div>
        <button type="submit" className="button">
          {t.submit}
        </button>
        <p className="fine">{t.stays}</p>
      </form>
    </main>
  )
}
