import type { Match } from '@fitmq/client'
import { useEffect, useState } from 'react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { useTitle } from '../ui/hooks'
import { learnNames } from '../ui/names'
import { BeaconForm } from './BeaconForm'
import { Blocked } from './Blocked'
import { CellMap } from './CellMap'
import { cellOf, moved, type Cell } from './map'
import { Proposal } from './Proposal'
import { useFinder } from './useFinder'

const t = strings.partners
const key = 'fitmq.cell'
/** Where the map begins for who has said nothing yet. */
const start = cellOf(52.52, 13.405)

function keptCell(): Cell {
  try {
    const { latitude, longitude } = JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Cell>
    if (typeof latitude === 'number' && typeof longitude === 'number') return cellOf(latitude, longitude)
  } catch {
    // Nothing kept, or not by us.
  }
  return start
}

/** The newest word of each partner: what came live counts over what was asked for. */
export function merged(asked: readonly Match[], live: readonly Match[]): Match[] {
  const all = new Map(asked.map((m) => [m.partnerId, m]))
  for (const m of live) {
    const before = all.get(m.partnerId)
    if (before === undefined || before.timestamp <= m.timestamp) all.set(m.partnerId, { ...before, ...m })
  }
  const order: Record<Match['state'], number> = { matched: 0, proposed: 1, accepted: 2, declined: 3, ended: 4 }
  return [...all.values()].filter((m) => m.state !== 'declined' && m.state !== 'ended').sort((a, b) => order[a.state] - order[b.state] || (a.band ?? 0) - (b.band ?? 0))
}

/** Looking for somebody to train with nearby. */
export default function PartnersRoom() {
  const { finder, searching, error, matches: live } = useFinder()
  const { value, reload } = useAsked<List<Match>>('/matches')
  const tell = useTell()
  const [cell, setCell] = useState(keptCell)
  const [radius, setRadius] = useState(5000)
  const matches = merged(value?.items ?? [], live)
  useTitle(t.title)
  useEffect(() => {
    sessionStorage.setItem(key, JSON.stringify(cell))
  }, [cell])
  useEffect(() => learnNames(matches.flatMap((m) => (m.userId !== undefined && m.name !== undefined ? [{ userId: m.userId, name: m.name }] : []))), [matches.length])
  const [blocks, setBlocks] = useState(0)
  const blocked = (): void => {
    setBlocks((n) => n + 1)
    reload()
  }
  const failed = (error: unknown): void => tell(wordsOf(error))
  return (
    <>
      <div className="heading"><h1>{t.title}</h1></div>
      <div className="columns">
        <div className="column-race">
          <section className="panel map-panel" aria-label={t.where}>
            <CellMap radius={radius} matches={matches} searching={searching} onMove={(east, north) => setCell(moved(cell, east, north))} />
            <div className="map-foot">
              <div className="actions" role="group" aria-label={t.move}>
                {([['north', 0, 1], ['south', 0, -1], ['west', -1, 0], ['east', 1, 0]] as const).map(([name, east, north]) => (
                  <button key={name} type="button" className="quiet-button" onClick={() => setCell(moved(cell, east, north))}>{t[name]}</button>
                ))}
              </div>
              <p className="fine">{t.privacy}</p>
            </div>
          </section>
        </div>
        <div className="column-aside">
          <BeaconForm cell={cell} radius={radius} searching={searching} error={error} onCell={setCell} onRadius={setRadius} onSearch={(b) => finder.search(b)} onStop={() => finder.stop()} />
          <section className="panel list-panel" aria-labelledby="proposals-title">
            <h2 id="proposals-title">{t.proposals}</h2>
            {matches.length === 0 && <p className="empty">{t.none}</p>}
            <ul className="rows" aria-live="polite">
              {matches.map((m) => (
                <Proposal
                  key={m.partnerId}
                  match={m}
                  onReply={(accept) => void finder.reply(m.partnerId, accept).then(reload, failed)}
                  onBlock={() => void finder.block(m.partnerId).then(blocked, failed)}
                />
              ))}
            </ul>
          </section>
          <Blocked round={blocks} />
        </div>
      </div>
    </>
  )
}
