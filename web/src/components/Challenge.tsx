import { count, formatScore, formatTimeLeft, score } from '../format'
import type { BoardEntry } from '../protocol'
import type { LiveState } from '../state'
import { strings } from '../strings'
import { useReorder } from './hooks'
import { Avatar, Figure } from './parts'

const t = strings.challenge

/** The challenge: how long it runs, what all did together, the board, and my own place when I am below it. */
export function Challenge({ state: s, denied, now }: { state: LiveState; denied: boolean; now: number }) {
  const board = s.challengeBoard
  const entries = board?.entries ?? []
  const list = useReorder<HTMLTableSectionElement>(entries.map((e) => e.userId).join(' '))
  const status = s.challengeStatus
  const listed = entries.some((e) => e.userId === s.me)
  return (
    <section className="panel challenge" aria-labelledby="challenge-title" data-testid="challenge" data-revision={board?.revision}>
      <div className="panel-head">
        <div>
          <span className="eyebrow">{t.title}</span>
          <h2 id="challenge-title" data-testid="challenge-title">{s.challengeInfo?.title || s.challenge}</h2>
        </div>
        {status !== undefined && (
          <span className="state-pill" data-testid="challenge-state" data-state={status.state}>
            {strings.challengeState[status.state]}
          </span>
        )}
      </div>
      {denied ? (
        <p className="empty" data-testid="challenge-denied">{t.denied}</p>
      ) : (
        <>
          <Totals state={s} now={now} />
          {entries.length === 0 ? (
            <p className="empty">{t.empty}</p>
          ) : (
            <table className="board">
              <caption className="visually-hidden">{t.caption}</caption>
              <tbody ref={list}>
                {entries.map((e) => (
                  <Row key={e.userId} entry={e} unit={board?.unit ?? ''} me={e.userId === s.me} />
                ))}
              </tbody>
            </table>
          )}
          {board !== undefined && board.total > entries.length && <p className="fine">{t.shown(entries.length, board.total)}</p>}
          {s.rank !== undefined && s.rank.rank > 0 && !listed && (
            <p className="my-rank" data-testid="my-rank" data-rank={s.rank.rank} data-score={s.rank.score}>
              <span className="tag">{strings.roles.you}</span>
              {t.myRank(s.rank.rank, s.rank.total)}
              <Figure measure={score(s.rank.score, board?.unit ?? '')} />
            </p>
          )}
        </>
      )}
    </section>
  )
}

function Row({ entry: e, unit, me }: { entry: BoardEntry; unit: string; me: boolean }) {
  return (
    <tr data-flip={e.userId} data-testid="challenge-row" data-user={e.userId} data-rank={e.rank} data-score={e.score} data-me={me}>
      <td className="board-rank"><span data-place={e.rank}>{e.rank}</span></td>
      <th scope="row">
        <span className="board-who">
          <Avatar userId={e.userId} name={e.name} size="small" />
          <span className="board-name">{e.name}</span>
          {me && <span className="tag">{t.you}</span>}
        </span>
      </th>
      <td className="board-score"><Figure measure={score(e.score, unit)} /></td>
    </tr>
  )
}

function Totals({ state: s, now }: { state: LiveState; now: number }) {
  const status = s.challengeStatus
  if (status === undefined) return null
  const unit = s.challengeBoard?.unit ?? ''
  const until = status.state === 'scheduled' ? status.startsAt : status.state === 'active' ? status.endsAt : undefined
  const seconds = until === undefined ? undefined : Math.max(0, Math.round((until - now) / 1000))
  const goal = status.goal ?? s.challengeInfo?.goal
  const progress = status.goalProgress ?? (goal === undefined || goal <= 0 ? undefined : status.sum / goal)
  return (
    <>
      <dl className="totals">
        {seconds !== undefined && (
          <div data-testid="challenge-time-left" data-seconds={seconds}>
            <dt>{status.state === 'scheduled' ? t.startsIn : t.left}</dt>
            <dd>{formatTimeLeft(seconds)}</dd>
          </div>
        )}
        <div data-testid="challenge-participants" data-count={status.participants}>
          <dt>{t.participants}</dt>
          <dd>{count(status.participants, '').value}</dd>
        </div>
        <div data-testid="challenge-activities" data-count={status.activities}>
          <dt>{t.activities}</dt>
          <dd>{count(status.activities, '').value}</dd>
        </div>
        <div data-testid="challenge-sum" data-sum={status.sum}>
          <dt>{t.total}</dt>
          <dd>{unit === '' ? count(status.sum, '').value : formatScore(status.sum, unit)}</dd>
        </div>
      </dl>
      {progress !== undefined && (
        <div className="goal" data-testid="challenge-goal" data-progress={progress}>
          <progress max={1} value={Math.min(1, progress)} aria-label={t.goal(`${Math.floor(progress * 100)} %`)} />
          <span className="fine">{t.goal(`${Math.floor(progress * 100)} %`)}</span>
        </div>
      )}
    </>
  )
}
