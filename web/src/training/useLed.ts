import type { SessionInfo, Training } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { useAsked, type List } from '../ui/asked'
import type { Led } from './overview'

/** Trainings that are followed; a trainer leads few at once. */
const followed = 10
/** How often one looks for new ones, in ms. */
const lookEvery = 15_000

/** The trainings that somebody leads now, and by session what a correction is sent through. */
export function useLed(me: string): { led: readonly Led[]; trainings: ReadonlyMap<string, Training> } {
  const client = useFitmq()
  const { value, reload } = useAsked<List<SessionInfo>>('/sessions?limit=1000')
  const sessions = (value?.items ?? []).filter((s) => s.trainer === me && (s.state === 'live' || s.state === 'paused')).slice(0, followed)
  const key = sessions.map((s) => s.sessionId).join(' ')
  const [open, setOpen] = useState<{ led: readonly Led[]; trainings: ReadonlyMap<string, Training> }>({ led: [], trainings: new Map() })
  useEffect(() => {
    const timer = setInterval(reload, lookEvery)
    return () => clearInterval(timer)
  }, [reload])
  useEffect(() => {
    const trainings = new Map(sessions.map((s) => [s.sessionId, client.joinTraining(s.sessionId)]))
    const look = (): void => setOpen({
      trainings,
      led: [...trainings].map(([sessionId, t]) => {
        const { info, participants, samples } = t.state.get()
        return { sessionId, title: info?.title ?? '', participants, samples, corrections: t.corrections.get() }
      }),
    })
    const offs = [...trainings.values()].flatMap((t) => [t.state.subscribe(look), t.corrections.subscribe(look)])
    look()
    return () => {
      for (const off of offs) off()
      for (const t of trainings.values()) t.close()
    }
  }, [client, key])
  return open
}
