// What a trainer sees of the clients at a glance, from the trainings that are open now. Pure.
import type { Correction, LiveSample, Participant } from '@fitmq/client'
import { heartRateZone, type Zone } from '../format'

/** A sample older than this is not live, in ms. */
export const liveFor = 30_000

/** What is known of one training that one leads. */
export interface Led {
  readonly sessionId: string
  readonly title: string
  readonly participants: readonly Participant[]
  readonly samples: Readonly<Record<string, LiveSample>>
  readonly corrections: readonly (Correction & { seen: boolean })[]
}

/** What a client does now. */
export interface Doing {
  /** The training that the client is in; undefined for who is in none. */
  readonly session: { readonly id: string; readonly title: string } | undefined
  /** The live numbers; undefined when there are none, or old ones. */
  readonly sample: LiveSample | undefined
  readonly zone: Zone | undefined
  /** The last correction, and whether it was seen. */
  readonly correction: (Correction & { seen: boolean }) | undefined
}

/** What a client does, by the trainings that the trainer leads. */
export function doing(userId: string, led: readonly Led[], now: number): Doing {
  const within = led.map((l) => ({ l, here: l.participants.find((p) => p.userId === userId), sample: l.samples[userId] }))
  const live = within.filter((x) => x.sample !== undefined && now - Date.parse(x.sample.timestamp) < liveFor).at(-1)
  const at = live ?? within.find((x) => x.here !== undefined)
  return {
    session: at === undefined ? undefined : { id: at.l.sessionId, title: at.l.title || at.l.sessionId },
    sample: live?.sample,
    zone: heartRateZone(live?.sample?.heartRate, live?.here?.zonesMaxHeartRate),
    correction: at?.l.corrections.filter((c) => c.userId === userId).at(-1),
  }
}

/** In the order in which a trainer looks: who trains first, hardest first, then who is in a training, then the others by name. */
export function byUrgency<C extends { name: string; doing: Doing }>(clients: readonly C[]): C[] {
  const rank = (d: Doing): number => (d.sample !== undefined ? 0 : d.session !== undefined ? 1 : 2)
  return [...clients].sort((a, b) => rank(a.doing) - rank(b.doing) || (b.doing.zone ?? -1) - (a.doing.zone ?? -1) || (a.name < b.name ? -1 : 1))
}
