import { useChallenge } from '@fitmq/react'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { useNow } from '../ui/hooks'
import { BoardTable, MyRow } from './BoardTable'
import { Totals } from './Totals'
import { useJoined, type Joined } from './useJoined'

const t = strings.challenge

/** A challenge beside something else: how it stands, and the board. */
export function ChallengeAside({ id }: { id: string }) {
  const joined = useJoined(id)
  if (joined.part === 'in' || joined.part === 'watching') return <Joint id={id} takesPart={joined.part === 'in'} />
  return (
    <section className="panel challenge" aria-labelledby="challenge-title" data-testid="challenge">
      <Head title={joined.info?.title ?? id} state={joined.info?.state} />
      <NotIn joined={joined} />
    </section>
  )
}

/** What is there for who does not take part. */
export function NotIn({ joined }: { joined: Joined }) {
  if (joined.part === 'asking') return <p className="empty" role="status">{strings.loading}</p>
  if (joined.part === 'closed') return <p className="empty" data-testid="challenge-denied">{t.denied}</p>
  return (
    <div className="empty">
      <p>{t.openTo}</p>
      <button type="button" className="button" onClick={joined.join}>{t.join}</button>
    </div>
  )
}

function Joint({ id, takesPart }: { id: string; takesPart: boolean }) {
  const { info, status, leaderboard: board, rank, joined } = useChallenge(id)
  const me = useMe()
  const now = useNow(1000)
  const listed = board?.entries.some((e) => e.userId === me.userId) ?? false
  return (
    <section className="panel challenge" aria-labelledby="challenge-title" data-testid="challenge" data-revision={board?.revision}>
      <Head title={info?.title ?? id} state={status?.state} />
      {joined === 'refused' ? (
        <p className="empty" data-testid="challenge-denied">{t.denied}</p>
      ) : (
        <>
          <Totals info={info} status={status} now={now} mine={rank?.score} takesPart={takesPart} compact />
          <BoardTable entries={board?.entries ?? []} unit={board?.unit ?? info?.unit ?? ''} me={me.userId} />
          {board !== undefined && board.total > board.entries.length && <p className="fine">{t.shown(board.entries.length, board.total)}</p>}
          {!listed && <MyRow rank={rank} board={board} unit={board?.unit ?? ''} />}
        </>
      )}
    </section>
  )
}

function Head({ title, state }: { title: string; state: 'scheduled' | 'active' | 'ended' | undefined }) {
  return (
    <div className="panel-head">
      <div>
        <span className="eyebrow">{t.title}</span>
        <h2 id="challenge-title" data-testid="challenge-title">{title}</h2>
      </div>
      {state !== undefined && (
        <span className="state-pill" data-testid="challenge-state" data-state={state}>{strings.challengeState[state]}</span>
      )}
    </div>
  )
}
