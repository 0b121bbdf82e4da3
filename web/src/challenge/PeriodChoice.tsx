import type { ChallengeInfo, PeriodStatus } from '@fitmq/client'
import { formatDay } from '../format'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'

const t = strings.challenges

interface Props {
  id: string
  kind: NonNullable<ChallengeInfo['period']>
  period: string
  /** The name of the one that runs now. */
  current: string | undefined
  onChange: (period: string) => void
}

/** Which period's board is shown; '' is the present one. */
export function PeriodChoice({ id, kind, period, current, onChange }: Props) {
  const { value } = useAsked<List<PeriodStatus>>(`/challenges/${id}/periods?limit=1000`)
  const all = [...(value?.items ?? [])].filter((p) => p.period !== current).reverse()
  return (
    <label className="period">
      <span className="visually-hidden">{t.period}</span>
      <select value={period} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="">{t.nowOf[kind]}</option>
        {all.map((p) => <option key={p.period} value={p.period}>{kind === 'daily' ? formatDay(p.startsAt) : t.periods(formatDay(p.startsAt), formatDay(p.endsAt))}</option>)}
      </select>
    </label>
  )
}
