import { useFitmq } from '@fitmq/react'
import { useEffect } from 'react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { Confirm } from '../ui/Confirm'
import { learnNames, useNames } from '../ui/names'
import { Avatar } from '../ui/parts'
import { PersonForm } from '../ui/PersonForm'

const t = strings.session

/** GET /sessions/{id}/members; flags count samples that look odd, for host and trainer. */
interface Member {
  readonly userId: string
  readonly name: string
  readonly role: 'host' | 'trainer' | 'participant'
  readonly present: boolean
  readonly flags?: Readonly<Record<string, number>>
}

/** Whom the session is for: host and trainer invite and remove. roster changes whenever somebody comes or goes. */
export function Members({ id, roster }: { id: string; roster: string }) {
  const client = useFitmq()
  const tell = useTell()
  const nameOf = useNames()
  const { value, reload } = useAsked<List<Member>>(`/sessions/${id}/members?limit=1000`)
  const members = value?.items ?? []
  useEffect(() => learnNames(members), [value])
  useEffect(reload, [roster, reload])
  const change = (method: 'PUT' | 'DELETE', userId: string, said: (name: string) => string): void => {
    client.request(method, `/sessions/${id}/members/${userId}`, method === 'PUT' ? {} : undefined).then(() => {
      tell(said(nameOf(userId)), 'news')
      reload()
    }, (error: unknown) => tell(wordsOf(error)))
  }
  return (
    <details className="panel members" data-testid="members">
      <summary>{t.members} <span className="tally">{members.length}</span></summary>
      <ul className="rows">
        {members.map((m) => (
          <li key={m.userId} className="row" data-testid="member" data-user={m.userId} data-present={m.present}>
            <Avatar userId={m.userId} name={m.name} size="small" />
            <span className="row-main">
              <strong>{m.name}</strong>
              <span className="muted">{[m.role !== 'participant' && strings.roles[m.role], m.present ? t.here : t.notHere, oddWords(m.flags)].filter(Boolean).join(' · ')}</span>
            </span>
            {m.role === 'participant' && (
              <Confirm label={t.remove} name={t.removeWho(m.name)} question={`${t.removeWho(m.name)}?`} onYes={() => change('DELETE', m.userId, t.removed)} />
            )}
          </li>
        ))}
      </ul>
      <PersonForm title={t.invite} button={t.inviteButton} without={members.map((m) => m.userId)} onPick={(userId) => change('PUT', userId, t.invited)} />
    </details>
  )
}

/** How many of somebody's numbers looked odd, in words; '' for none. */
export function oddWords(flags: Readonly<Record<string, number>> | undefined): string {
  const n = Object.values(flags ?? {}).reduce((sum, x) => sum + x, 0)
  return n === 0 ? '' : t.odd(n)
}
