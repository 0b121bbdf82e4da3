import { useConnection, useWorkoutSession } from '@fitmq/react'

export function LiveWorkout({ id }: { id: string }) {
  const { info, participants, samples, leaderboard, joined, error, updateProgress } = useWorkoutSession(id)
  const { state, transport } = useConnection()
  if (joined === 'refused') return <p role="alert">{error?.reason}</p>
  return (
    <section>
      <h1>{info?.title} <small>{state} ({transport})</small></h1>
      <ul>{participants.map((p) => <li key={p.userId}>{p.name}: {samples[p.userId]?.heartRate ?? '–'} bpm</li>)}</ul>
      <ol>{leaderboard?.entries.map((e) => <li key={e.userId}>{e.name}: {(e.score / 1000).toFixed(2)} km</li>)}</ol>
      <button onClick={() => updateProgress({ sport: 'running', heartRate: 141, distance: 5200 })}>Share my numbers</button>
    </section>
  )
}
