import { useFitmq } from '@fitmq/react'
import { useEffect } from 'react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { useNames } from '../ui/names'

const t = strings.partners

/** Whom one has blocked, and the way back. A partner who was blocked from a proposal has no name. */
export function Blocked({ round }: { round: number }) {
  const client = useFitmq()
  const tell = useTell()
  const nameOf = useNames()
  const { value, reload } = useAsked<List<string>>('/me/blocks?limit=200')
  useEffect(reload, [round, reload])
  const all = value?.items ?? []
  if (all.length === 0) return null
  return (
    <details className="panel blocked" data-testid="blocked">
      <summary>{t.blocked} <span className="tally">{all.length}</span></summary>
      <ul className="rows">
        {all.map((id) => (
          <li key={id} className="row">
            <span className="row-main"><strong>{nameOf(id) === id && id.length > 30 ? t.blockedStranger : nameOf(id)}</strong></span>
            <button type="button" className="quiet-button" onClick={() => void client.request('DELETE', `/me/blocks/${id}`).then(reload, (e: unknown) => tell(wordsOf(e)))}>{t.unblock}</button>
          </li>
        ))}
      </ul>
    </details>
  )
}
