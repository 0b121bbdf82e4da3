import { useMatches } from '@fitmq/react'

export function FindPartner({ here }: { here: { latitude: number; longitude: number } }) {
  const { searching, matches, error, search, stop, reply } = useMatches()
  return (
    <section>
      <button onClick={() => (searching ? stop() : search({ ...here, sport: 'running', pace: 330, radius: 10_000 }))}>{searching ? 'Stop' : 'Find a partner'}</button>
      {error && <p role="alert">{error.reason}</p>}
      <ul>{matches.map((m) => (
        <li key={m.partnerId}>
          {m.name}, within {m.band} km: {m.state === 'proposed' ? <button onClick={() => reply(m.partnerId, true)}>Run together</button> : m.state}
        </li>
      ))}</ul>
    </section>
  )
}
