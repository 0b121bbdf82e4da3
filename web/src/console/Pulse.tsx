import { useEffect, useRef, useState } from 'react'
import { clock } from './format'
import { useClock } from './parts'
import type { Asked } from './poll'
import { strings } from './strings'
import type { Stats } from './types'

const t = strings.pulse

/** Says when the broker does not answer, and when it was restarted while the page was open. */
export function Pulse({ of }: { of: Asked<Stats> }) {
  const [restarted, setRestarted] = useState<string>()
  const [silent, setSilent] = useState<number>()
  const started = useRef<string>(undefined)
  const now = useClock()
  const startedAt = of.value?.startedAt
  useEffect(() => {
    if (startedAt === undefined) return
    if (started.current !== undefined && started.current !== startedAt) setRestarted(startedAt)
    started.current = startedAt
  }, [startedAt])
  const failing = of.error === strings.offline
  useEffect(() => setSilent(failing ? Date.now() : undefined), [failing])
  return (
    <div role="status" className="console-pulse" data-testid="pulse" data-state={failing ? 'silent' : restarted === undefined ? 'ok' : 'restarted'}>
      {failing && silent !== undefined && <p className="console-notice panel">{t.silent(clock(new Date(silent).toISOString(), now))}</p>}
      {!failing && restarted !== undefined && (
        <p className="console-notice panel">
          <span>{t.restarted(clock(restarted, now))}</span>
          <button type="button" className="quiet-button" onClick={() => setRestarted(undefined)}>{t.seen}</button>
        </p>
      )}
    </div>
  )
}
