import type { Match } from '@fitmq/client'
import { join, speedOrPace } from '../format'
import { hrefOf } from '../route'
import { strings } from '../strings'
import { Confirm } from '../ui/Confirm'
import { Avatar } from '../ui/parts'

const t = strings.partners

/** What is known of how fast a partner is, in the words of the sport. */
export function howFast(m: Pick<Match, 'pace' | 'speed' | 'sport'>): string {
  const speed = m.speed ?? (m.pace === undefined || m.pace <= 0 ? undefined : 1000 / m.pace)
  return speed === undefined ? '' : join(speedOrPace(speed, m.sport))
}

/** A partner who is near: what is known, and what one can do. */
export function Proposal({ match: m, onReply, onBlock }: { match: Match; onReply: (accept: boolean) => void; onBlock: () => void }) {
  const name = m.name ?? m.userId ?? ''
  const facts = [
    m.sport && (strings.sports[m.sport] ?? m.sport), howFast(m), m.band !== undefined && t.band(m.band / 1000),
  ].filter(Boolean).join(' · ')
  return (
    <li className="row proposal" data-testid="match" data-state={m.state} data-partner={m.partnerId} data-band={m.band}>
      <Avatar userId={m.partnerId} name={name} />
      <div className="row-main">
        <strong>{name}</strong>
        <span className="muted">{facts}</span>
        <span className="state-pill" data-state={m.state === 'matched' ? 'live' : undefined}>{t.states[m.state]}</span>
        <div className="actions">
          {m.state === 'proposed' && (
            <>
              <button type="button" className="quiet-button strong" onClick={() => onReply(true)} aria-label={`${t.accept} ${name}`}>{t.accept}</button>
              <button type="button" className="quiet-button" onClick={() => onReply(false)} aria-label={`${t.decline} ${name}`}>{t.decline}</button>
            </>
          )}
          {m.state === 'matched' && m.conversation !== undefined && <a className="quiet-button strong" href={hrefOf('chat', [m.conversation])}>{t.write}</a>}
          {m.state === 'matched' && <button type="button" className="quiet-button" onClick={() => onReply(false)} aria-label={`${t.unmatch} ${name}`}>{t.unmatch}</button>}
          {m.state === 'accepted' && <button type="button" className="quiet-button" onClick={() => onReply(false)} aria-label={`${t.withdraw} ${name}`}>{t.withdraw}</button>}
          <Confirm label={t.block} name={`${t.block} ${name}`} question={t.blockAsk(name)} onYes={onBlock} />
        </div>
      </div>
    </li>
  )
}
