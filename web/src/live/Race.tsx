import type { Leaderboard, SessionInfo } from '@fitmq/client'
import type { CSSProperties } from 'react'
import { formatGap, formatScore, hue, score } from '../format'
import { strings } from '../strings'
import { useReorder } from '../ui/hooks'
import { Avatar, Figure } from '../ui/parts'
import { race, type RaceRow } from './select'
import type { Track } from './track'

const t = strings.race
/** Rows shown; a board carries at most its top 25. */
const rowsShown = 12
/** How long a new leader is called new, in ms. */
const newFor = 8_000

/** Who leads, by how much, and where everybody is behind. */
export function Race({ board, info, track, me, now }: { board: Leaderboard | undefined; info: SessionInfo | undefined; track: Track; me: string; now: number }) {
  const rows = race(board).slice(0, rowsShown)
  const unit = board?.unit ?? ''
  const metric = strings.metrics[board?.metric ?? '']
  const { lead } = track
  const list = useReorder<HTMLOListElement>(rows.map((r) => r.userId).join(' '))
  const leader = rows[0]
  return (
    <section className="panel race" aria-labelledby="race-title" data-testid="race" data-revision={board?.revision}>
      <h2 id="race-title" className="visually-hidden">{t.title}</h2>
      {leader === undefined ? (
        <p className="empty">{t.waiting}</p>
      ) : (
        <>
          <Leader
            key={lead?.count ?? 0}
            row={leader}
            second={rows[1]}
            unit={unit}
            ended={info?.state === 'ended'}
            fresh={lead !== undefined && now - lead.at < newFor}
          />
          <ol className="lanes" ref={list}>
            {rows.map((row) => (
              <Lane key={row.userId} row={row} unit={unit} me={row.userId === me} />
            ))}
          </ol>
          {metric !== undefined && <p className="fine race-by">{t.rankBy(metric)}</p>}
        </>
      )}
    </section>
  )
}

function Leader({ row, second, unit, ended, fresh }: { row: RaceRow; second: RaceRow | undefined; unit: string; ended: boolean; fresh: boolean }) {
  return (
    <div className={`leader ${fresh ? 'leader-fresh' : ''}`} data-testid="leader" data-user={row.userId} data-score={row.score}>
      <Avatar userId={row.userId} name={row.name} size="large" />
      <div className="leader-text">
        <span className="eyebrow">{fresh && !ended ? t.newLead : t.leader}</span>
        <strong className="leader-name">{ended ? t.won(row.name) : t.leads(row.name)}</strong>
        <span className="leader-gap">
          {second === undefined ? t.alone : t.ahead(formatGap(second.gap, unit), second.name)}
        </span>
      </div>
      <Figure measure={score(row.score, unit)} className="leader-score" />
    </div>
  )
}

function Lane({ row, unit, me }: { row: RaceRow; unit: string; me: boolean }) {
  return (
    <li
      className="lane"
      data-flip={row.userId}
      data-testid="race-row"
      data-user={row.userId}
      data-rank={row.rank}
      data-score={row.score}
      data-gap={row.gap}
      data-me={me}
    >
      <span className="lane-rank">{row.rank}</span>
      <span className="lane-name">
        {row.name}
        {me && <span className="tag">{strings.roles.you}</span>}
      </span>
      <span className="lane-track" aria-hidden="true">
        <span className="lane-run" style={{ '--hue': hue(row.userId), transform: `translateX(${(row.place - 1) * 100}%)` } as CSSProperties}>
          <Avatar userId={row.userId} name={row.name} size="small" />
        </span>
      </span>
      <span className="lane-score">{formatScore(row.score, unit)}</span>
      <span className="lane-gap">{row.rank === 1 ? t.leader : `+${formatGap(row.gap, unit)}`}</span>
    </li>
  )
}
