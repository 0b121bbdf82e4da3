import type { BoardEntry } from '@fitmq/client'
import { useChallenge, type UseChallenge } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { score } from '../format'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { Confirm } from '../ui/Confirm'
import { useNow, useTitle } from '../ui/hooks'
import { learnNames } from '../ui/names'
import { Figure } from '../ui/parts'
import { ActivityForm } from './ActivityForm'
import { Awards } from './Awards'
import { BoardTable } from './BoardTable'
import { NotIn } from './ChallengeAside'
import { MyActivities } from './MyActivities'
import { Organizer } from './Organizer'
import { PeriodChoice } from './PeriodChoice'
import { placesOf } from './standing'
import { Totals } from './Totals'
import { useBoard, type BoardView } from './useBoard'
import { useJoined } from './useJoined'

const t = strings.challenges

/** A challenge: for who takes part the board and all that belongs to it, for others a way in. */
export function ChallengeView({ id }: { id: string }) {
  const joined = useJoined(id)
  const title = joined.info?.title || id
  useTitle(title)
  return (
    <>
      <div className="heading">
        <div className="heading-text">
          {joined.info !== undefined && (
            <span className="state-pill" data-testid="challenge-state" data-state={joined.info.state}>{strings.challengeState[joined.info.state]}</span>
          )}
          <h1 data-testid="challenge-title">{title}</h1>
        </div>
        {joined.part === 'watching' && <button type="button" className="button" onClick={joined.join}>{strings.challenge.join}</button>}
        {joined.part === 'in' && <Confirm label={strings.challenge.leave} question={t.leaveAsk} onYes={joined.leave} />}
      </div>
      {joined.part === 'in' || joined.part === 'watching' ? <Inside id={id} takesPart={joined.part === 'in'} /> : <section className="panel"><NotIn joined={joined} /></section>}
    </>
  )
}

/** The challenge itself; what is one's own only for who takes part. */
function Inside({ id, takesPart }: { id: string; takesPart: boolean }) {
  const challenge = useChallenge(id)
  const { info, status, rank, achievements, joined } = challenge
  const me = useMe()
  const now = useNow(1000)
  const organizes = info?.organizer === me.userId
  if (joined === 'refused') return <p className="panel notice" data-testid="challenge-denied">{challenge.error?.reason ?? strings.challenge.denied}</p>
  return (
    <div className="columns">
      <div className="column-race">
        {status?.state === 'ended' && <Winners title={t.winners} list={status.winners ?? []} unit={info?.unit ?? ''} me={me.userId} />}
        <Board id={id} challenge={challenge} me={me.userId} takesPart={takesPart} />
        {takesPart && <MyActivities id={id} me={me.userId} round={status?.revision} />}
        {organizes && <Organizer id={id} round={status?.revision} />}
      </div>
      <div className="column-aside">
        <section className="panel" aria-label={strings.challenge.title}><Totals info={info} status={status} now={now} mine={rank?.score} takesPart={takesPart} /></section>
        {takesPart && status?.state !== 'scheduled' && <ActivityForm submit={challenge.submitActivity} sports={info?.sports} ended={status?.state === 'ended'} />}
        <Awards list={achievements} info={info} mine={rank?.score} now={now} takesPart={takesPart} />
      </div>
    </div>
  )
}

/** The board, as one looks at it: from the top, around oneself, by teams, of this period or an older one. */
function Board({ id, challenge, me, takesPart }: { id: string; challenge: UseChallenge; me: string; takesPart: boolean }) {
  const { info, status, rank } = challenge
  const [period, setPeriod] = useState('')
  const [view, setView] = useState<BoardView>('top')
  const { board, more } = useBoard(challenge, view, period, me)
  useEffect(() => {
    if (board !== undefined) learnNames(board.entries)
  }, [board])
  const unit = board?.unit ?? info?.unit ?? ''
  const hasTeams = (info?.teams ?? []).length > 0
  const views: BoardView[] = ['top', ...(takesPart ? ['around' as const] : []), ...(hasTeams ? ['teams' as const] : [])]
  if (info?.unranked === true) return <p className="panel notice">{t.unranked}</p>
  return (
    <section className="panel challenge" aria-labelledby="board-title" data-testid="challenge" data-revision={board?.revision} data-view={view}>
      <div className="panel-head">
        <h2 id="board-title">{t.board}</h2>
        {info?.period !== undefined && <PeriodChoice id={id} kind={info.period} period={period} current={status?.current?.period} onChange={setPeriod} />}
      </div>
      <div className="segments" role="group" aria-label={t.views}>
        {views.length > 1 && views.map((v) => <button key={v} type="button" className="segment" aria-pressed={v === view} onClick={() => setView(v)}>{t.viewNames[v]}</button>)}
      </div>
      {rank !== undefined && rank.rank > 0 && period === '' && view !== 'teams' && (
        <p className="my-rank pinned" data-testid="my-rank" data-rank={rank.rank} data-score={rank.score}>
          <span className="tag">{strings.roles.you}</span>
          {strings.challenge.myRank(rank.rank, placesOf(rank, board))}
          <Figure measure={score(rank.score, unit)} />
        </p>
      )}
      {board === undefined ? <p className="empty" role="status">{strings.loading}</p> : view === 'teams' ? (
        <BoardTable entries={(board.teams ?? []).map((x) => ({ ...x, userId: x.teamId }))} unit={unit} me={rank?.team?.teamId ?? ''} caption={t.teams} mine={t.myTeam} />
      ) : (
        <>
          {view === 'around' && !board.entries.some((e) => e.userId === me)
            ? <p className="empty">{t.notRanked}</p>
            : <BoardTable entries={board.entries} unit={unit} me={me} />}
          {view === 'top' && board.total > board.entries.length && (
            <p className="fine board-more">
              {strings.challenge.shown(board.entries.length, board.total)}
              <button type="button" className="quiet-button" onClick={more}>{t.more}</button>
            </p>
          )}
        </>
      )}
    </section>
  )
}

/** The first three of what is over. */
function Winners({ title, list, unit, me }: { title: string; list: readonly BoardEntry[]; unit: string; me: string }) {
  if (list.length === 0) return null
  return (
    <section className="panel challenge" aria-labelledby="winners-title" data-testid="winners">
      <div className="panel-head"><h2 id="winners-title">{title}</h2></div>
      <BoardTable entries={list} unit={unit} me={me} caption={title} />
    </section>
  )
}
