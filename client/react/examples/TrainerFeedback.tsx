import { useTraining } from '@fitmq/react'

export function TrainerFeedback({ id, client }: { id: string; client?: string }) {
  const { info, corrections, joined, error, sendFormCorrection, seen } = useTraining(id)
  if (joined === 'refused') return <p role="alert">{error?.reason}</p>
  const correct = () => client && sendFormCorrection(client, { exercise: 'squat', joint: 'knee', severity: 'warning', cue: 'Deeper' })
  return (
    <section>
      <h1>{info?.title}</h1>
      {client && <button onClick={correct}>Correct {client}</button>}
      <ul>{corrections.map((c) => (
        <li key={c.correctionId}>{c.joint}: {c.cue} {c.seen ? '(seen)' : !client && <button onClick={() => seen(c.correctionId)}>Got it</button>}</li>
      ))}</ul>
    </section>
  )
}
