import { type ActivityInput } from '@fitmq/client'
import { useChallenge } from '@fitmq/react'

export function GroupChallenge({ id, run }: { id: string; run: ActivityInput }) {
  const { info, status, leaderboard, rank, achievements, joined, error, submitActivity } = useChallenge(id)
  if (joined === 'refused') return <p role="alert">{error?.reason}</p>
  return (
    <section>
      <h1>{info?.title}: {status?.participants} take part</h1>
      <ol>{leaderboard?.entries.map((e) => <li key={e.userId}>{e.name}: {e.score} {leaderboard.unit}</li>)}</ol>
      {rank && <p>You are number {rank.rank} of {rank.total}</p>}
      {achievements.map((a) => <p key={a.achievementId}>{a.userId} has made {a.threshold} {a.unit}</p>)}
      <button onClick={() => void submitActivity(run).catch((e) => alert(e.reason))}>Hand in my run</button>
    </section>
  )
}
