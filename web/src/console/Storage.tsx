import { ago, bytes, clock, count } from './format'
import { Fact } from './parts'
import { strings } from './strings'
import type { Storage as Shape } from './types'

const t = strings.storage

/** Below this part of the disk somebody should act. */
const low = 0.1

/** Whether the disk is nearly full; false where that is not known. */
export function isLow(s: Pick<Shape, 'diskFree' | 'diskSize'>): boolean {
  return s.diskSize > 0 && s.diskFree < s.diskSize * low
}

/** What the data directory holds, what is left, and how writing goes. */
export function Storage({ of: s, now }: { of: Shape; now: number }) {
  const failed = s.lastFailure !== undefined && (s.lastCommit === undefined || s.lastFailure > s.lastCommit)
  return (
    <section className="panel" aria-label={t.title} data-testid="storage" data-low={isLow(s)}>
      <h2 className="console-heading console-inside">{t.title}</h2>
      <dl className="console-facts">
        <Fact name={t.log}>{bytes(s.logBytes)} <small>{t.of(bytes(s.logLimit))}</small></Fact>
        <Fact name={t.files}>{count(s.logFiles)} <small>{t.positions(count(s.first), count(s.last))}</small></Fact>
        <Fact name={t.tables}>{bytes(s.tablesBytes)}</Fact>
        <Fact name={t.disk}>
          {s.diskSize === 0 ? strings.none : <><span className="console-state" data-good={!isLow(s)}>{bytes(s.diskFree)}</span> <small>{t.of(bytes(s.diskSize))}</small></>}
        </Fact>
        <Fact name={t.commit}>{ago(s.lastCommit, now)}</Fact>
        <Fact name={t.failure}>
          {s.lastFailure === undefined ? t.never : <span className="console-state" data-good={!failed}>{clock(s.lastFailure, now)}</span>}
        </Fact>
      </dl>
      {s.error !== undefined && <p className="console-help">{t.why(s.error)}</p>}
    </section>
  )
}
