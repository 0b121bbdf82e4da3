import type { Correction } from '@fitmq/client'
import { useTraining, type UseTraining } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { Athletes } from '../live/Athletes'
import { controls } from '../live/Controls'
import { Heading } from '../live/Heading'
import { Denied } from '../live/LiveView'
import { Members } from '../live/Members'
import { tiles } from '../live/select'
import { SessionChat } from '../live/SessionChat'
import { SummaryCard } from '../live/Summary'
import { useTrack } from '../live/useTrack'
import { hrefOf } from '../route'
import { useMe } from '../shell/me'
import { strings } from '../strings'
import { useNow, useTitle } from '../ui/hooks'
import { useNames } from '../ui/names'
import { CorrectionCard } from './CorrectionCard'
import { atFirst, CorrectionForm, type Sent } from './CorrectionForm'
import { ExerciseFigure } from './ExerciseFigure'
import { markedJoints } from './figure'

const t = strings.training

/** A training: its trainer sends corrections, a client sees them at once. */
export function TrainingView({ id, to, onAgain }: { id: string; to: string | undefined; onAgain: () => void }) {
  const room = useTraining(id)
  const track = useTrack(room.session)
  const me = useMe()
  const now = useNow(1000)
  const title = room.info?.title || id
  useTitle(title)
  if (room.joined === 'refused') {
    return (
      <>
        <div className="heading"><h1>{title}</h1></div>
        <Denied reason={room.error?.reason} onAgain={onAgain} />
      </>
    )
  }
  const trains = room.info?.trainer === me.userId
  return (
    <>
      <Heading id={id} room={room} title={title} me={me.userId} />
      <div className="columns">
        <div className="column-race">
          {room.info?.state === 'ended' && <SummaryCard id={id} me={me.userId} />}
          {trains ? <ForTrainer room={room} to={to} /> : <ForClient room={room} trainer={room.info?.trainer} />}
          <Athletes tiles={tiles(room, track)} now={now} me={me.userId} />
        </div>
        <aside className="column-aside" aria-label={strings.aside}>
          {controls(room.info, me.userId) && <Members id={id} roster={`${room.total} ${room.participants.length}`} />}
          <SessionChat room={room} names={track.names} me={me.userId} />
        </aside>
      </div>
    </>
  )
}

/** The newest correction in large, with the figure; the others below. */
function ForClient({ room, trainer }: { room: UseTraining; trainer: string | undefined }) {
  const nameOf = useNames()
  const newest = room.corrections.at(-1)
  const before = room.corrections.slice(0, -1).reverse()
  return (
    <section className="panel training" aria-labelledby="training-title" data-severity={newest?.severity}>
      <div className="panel-head">
        <h2 id="training-title">{t.corrections}</h2>
        {trainer !== undefined && trainer !== '' && (
          <a className="muted" href={hrefOf('chat', ['with', trainer])}>{t.trainer(nameOf(trainer))}</a>
        )}
      </div>
      <div className="training-now">
        <ExerciseFigure correction={newest} also={markedJoints(room.corrections).also} />
        <div aria-live="assertive">
          {newest === undefined ? <p className="empty">{t.none}</p> : <Shown correction={newest} room={room} />}
        </div>
      </div>
      {before.length > 0 && (
        <ul className="corrections">
          {before.map((c) => <li key={c.correctionId}><Shown correction={c} room={room} /></li>)}
        </ul>
      )}
    </section>
  )
}

function Shown({ correction: c, room }: { correction: Correction & { seen: boolean }; room: UseTraining }) {
  return (
    <CorrectionCard correction={c}>
      {c.seen ? (
        <p className="fine" data-testid="seen">✓ {t.seen}</p>
      ) : (
        <button type="button" className="button" onClick={() => void room.seen(c.correctionId).catch(() => undefined)}>{t.seenIt}</button>
      )}
    </CorrectionCard>
  )
}

/** The form, and what became of what was sent. */
function ForTrainer({ room, to }: { room: UseTraining; to: string | undefined }) {
  const [sent, setSent] = useState<readonly Sent[]>([])
  const [draft, setDraft] = useState<Correction>()
  const nameOf = useNames()
  // What the broker tells a trainer of all corrections has those of other tabs, too.
  const heard = new Map(room.corrections.map((c) => [c.correctionId, c]))
  const all: (Correction & { state: 'sending' | 'sent' | 'seen' })[] = [
    ...sent.filter((s) => !heard.has(s.correction.correctionId)).map((s) => ({ ...s.correction, state: s.stored ? ('sent' as const) : ('sending' as const) })),
    ...[...heard.values()].reverse().map((c) => ({ ...c, state: c.seen ? ('seen' as const) : ('sent' as const) })),
  ]
  const newest = draft ?? all[0] ?? atFirst
  useEffect(() => setSent((s) => s.filter((x) => !heard.has(x.correction.correctionId))), [room.corrections])
  return (
    <section className="panel training" aria-labelledby="training-title">
      <div className="panel-head"><h2 id="training-title">{t.form}</h2></div>
      <div className="training-now">
        <ExerciseFigure correction={newest} />
        <CorrectionForm room={room} to={to} onDraft={setDraft} onSent={(s) => setSent((before) => [s, ...before])} onStored={(id) => setSent((before) => before.map((s) => (s.correction.correctionId === id ? { ...s, stored: true } : s)))} />
      </div>
      <h3 className="board-part">{t.corrections}</h3>
      {all.length === 0 && <p className="empty">{t.noneSent}</p>}
      <ul className="corrections" aria-live="polite">
        {all.map((c) => (
          <li key={c.correctionId}>
            <CorrectionCard correction={c}>
              <p className="fine" data-testid="correction-state" data-state={c.state}>
                {t.to(nameOf(c.userId))} · {c.state === 'seen' ? `✓ ${t.seen}` : c.state === 'sent' ? t.sent : t.sending}
              </p>
            </CorrectionCard>
          </li>
        ))}
      </ul>
    </section>
  )
}
