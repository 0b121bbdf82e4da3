import type { BoardEntry, Leaderboard, Rank } from '@fitmq/client'
import { score } from '../format'
import { strings } from '../strings'
import { useReorder } from '../ui/hooks'
import { Avatar, Figure } from '../ui/parts'
import { placesOf } from './standing'

const t = strings.challenge

/** A challenge's board; rows glide to their new places. */
export function BoardTable({ entries, unit, me, caption = t.caption, mine = t.you }: { entries: readonly BoardEntry[]; unit: string; me: string; caption?: string; mine?: string }) {
  const list = useReorder<HTMLTableSectionElement>(entries.map((e) => e.userId).join(' '))
  if (entries.length === 0) return <p className="empty">{t.empty}</p>
  return (
    <table className="board">
      <caption className="visually-hidden">{caption}</caption>
      <tbody ref={list}>
        {entries.map((e) => (
          <tr key={e.userId} data-flip={e.userId} data-testid="challenge-row" data-user={e.userId} data-rank={e.rank} data-score={e.score} data-me={e.userId === me}>
            <td className="board-rank"><span data-place={e.rank}>{e.rank}</span></td>
            <th scope="row">
              <span className="board-who">
                <Avatar userId={e.userId} name={e.name} size="small" />
                <span className="board-name">{e.name}</span>
                {e.userId === me && <span className="tag">{mine}</span>}
              </span>
            </th>
            <td className="board-score"><Figure measure={score(e.score, unit)} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** One's own place when it is not on the board that is shown. */
export function MyRow({ rank, board, unit }: { rank: Rank | undefined; board: Leaderboard | undefined; unit: string }) {
  if (rank === undefined || rank.rank <= 0) return null
  return (
    <p className="my-rank" data-testid="my-rank" data-rank={rank.rank} data-score={rank.score}>
      <span className="tag">{strings.roles.you}</span>
      {t.myRank(rank.rank, placesOf(rank, board))}
      <Figure measure={score(rank.score, unit)} />
    </p>
  )
}
