import { Boards } from './Boards'
import { Client } from './Client'
import { Clients } from './Clients'
import './console.css'
import { Explain } from './Explain'
import { Overview } from './Overview'
import { href } from './parts'
import { usePoll, type Asked } from './poll'
import { Pulse } from './Pulse'
import { Queues } from './Queues'
import { Refusals } from './Refusals'
import { Sessions } from './Sessions'
import { strings } from './strings'
import type { Gate, Stats } from './types'
import { Users } from './Users'
import { Webhooks } from './Webhooks'

export type Part = keyof typeof strings.parts

const parts = Object.keys(strings.parts) as Part[]

/** The part that a path below #/console leads to, and what is open in it. */
export function partOf(path: readonly string[]): { part: Part; open: string | undefined } {
  const part = parts.find((p) => p === path[0]) ?? 'overview'
  return { part, open: path[0] === part ? path[1] : undefined }
}

/** What administrators look at. path is what follows #/console/. */
export function Console({ gate, path, admin }: { gate: Gate; path: readonly string[]; admin: boolean }) {
  const { part, open } = partOf(path)
  const stats = usePoll<Stats>(gate, admin ? '/stats' : undefined, part === 'overview' ? 2_000 : 5_000)
  if (!admin) return <p className="console-empty">{strings.onlyAdmins}</p>
  return (
    <div className="console" data-testid="console" data-part={part}>
      <h1>{strings.title}</h1>
      <nav className="console-parts" aria-label={strings.navigation}>
        <ul>
          {parts.map((p) => (
            <li key={p}>
              <a href={p === 'overview' ? href() : href(p)} aria-current={p === part ? 'page' : undefined}>{strings.parts[p]}</a>
            </li>
          ))}
        </ul>
      </nav>
      <Pulse of={stats} />
      <div className="console-part">
        <View key={`${part} ${open ?? ''}`} gate={gate} part={part} open={open} stats={stats} />
      </div>
    </div>
  )
}

function View({ gate, part, open, stats }: { gate: Gate; part: Part; open: string | undefined; stats: Asked<Stats> }) {
  switch (part) {
    case 'overview':
      return <Overview gate={gate} stats={stats} />
    case 'clients':
      return open === undefined ? <Clients gate={gate} /> : <Client gate={gate} id={open} />
    case 'queues':
      return <Queues gate={gate} />
    case 'refusals':
      return <Refusals gate={gate} />
    case 'boards':
      return <Boards gate={gate} open={open} />
    case 'sessions':
      return <Sessions gate={gate} open={open} />
    case 'users':
      return <Users gate={gate} />
    case 'webhooks':
      return <Webhooks gate={gate} />
    case 'explain':
      return <Explain gate={gate} />
  }
}
