import type { PeriodStatus } from '@fitmq/client'
import { formatDay } from '../format'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'

const t = strings.challenges

/** Which period's board is shown; '' is the present one. */
export function PeriodChoice({ id, period, onChange }: { id: string; period: string; onChange: (period: string) => void }) {
  const { value } = useAsked<List<PeriodStatus>>(`/challenges/${id}/periods?limit=100`)
  const all = [...(value?.items ?? [])].reverse()
  return (
    <label className="period">
      <span className="visually-hidden">{t.period}</span>
      <select value={period} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="">{t.now}</option>
        {all.map((p) => <option key={p.period} value={p.period}>{t.periods(formatDay(p.startsAt), formatDay(p.endsAt))}</option>)}
      </select>
    </label>
  )
}
