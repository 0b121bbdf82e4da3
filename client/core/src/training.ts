import type { Core } from './core.js'
import { Emitter, View, type Off } from './emitter.js'
import type { FormCorrection } from './generated.js'
import { asId, newId } from './ids.js'
import { topicOf } from './topics.js'
import { WorkoutSession } from './workout.js'

/** A form correction as the trainer gives it; the correctionId is made where it is missing. */
export type CorrectionInput = Omit<FormCorrection, 'correctionId'> & { readonly correctionId?: string }

/** A correction with whose form it is about. */
export type Correction = FormCorrection & { readonly userId: string }

/** How long a correction is worth showing, in seconds, unless it says otherwise. */
const defaultExpiry = 30
/** How many corrections are kept in the state. */
const keptCorrections = 50

/** A correction on its way: await it for stored; seen resolves when the client says so, which may be never. */
export type SentCorrection = Promise<void> & { readonly correctionId: string; readonly seen: Promise<void> }

/** A training: a session with a trainer, who corrects its members' form. */
export class Training extends WorkoutSession {
  /** The newest corrections, oldest first, and which of them were seen. */
  readonly corrections: View<readonly (Correction & { seen: boolean })[]>
  readonly #arrived = new Emitter<Correction>()
  readonly #wereSeen = new Emitter<{ userId: string; correctionId: string }>()
  #list: (Correction & { seen: boolean })[] = []

  constructor(core: Core, id: string) {
    super(core, id)
    this.corrections = new View<readonly (Correction & { seen: boolean })[]>(() => this.#list)
    this.own(() => this.corrections.close())
    this.listen<FormCorrection>(topicOf('sessionForm', id, '+'), (m) => this.#arrive({ ...m.payload, userId: m.ids[1] ?? '' }))
    this.listen<{ correctionId: string }>(topicOf('sessionFormSeen', id, '+'), (m) => {
      this.#mark(m.payload.correctionId)
      this.#wereSeen.emit({ userId: m.ids[1] ?? '', correctionId: m.payload.correctionId })
    })
  }

  /** Corrects somebody's form; for the session's trainer. After 30 s (or expiresIn) it is not shown any more. */
  sendFormCorrection(userId: string | number, correction: CorrectionInput): SentCorrection {
    const correctionId = correction.correctionId ?? newId()
    const seconds = correction.expiresIn ?? defaultExpiry
    const stored = this.core.send(topicOf('sessionForm', this.id, asId(userId)), { ...correction, correctionId }, seconds)
    const seen = new Promise<void>((resolve) => {
      const off = this.onSeen((s) => {
        if (s.correctionId !== correctionId) return
        off()
        resolve()
      })
    })
    return Object.assign(stored, { correctionId, seen })
  }

  /** Corrections: one's own as a client, everybody's as the trainer. */
  onFormCorrection(fn: (correction: Correction) => void): Off {
    return this.on(this.#arrived, fn)
  }

  /** What clients have seen; for the trainer. */
  onSeen(fn: (seen: { userId: string; correctionId: string }) => void): Off {
    return this.on(this.#wereSeen, fn)
  }

  /** Says that one has seen a correction of one's own form. */
  seen(correctionId: string): Promise<void> {
    this.#mark(correctionId)
    return this.core.send(topicOf('sessionFormSeen', this.id, '{me}'), { correctionId })
  }

  #arrive(c: Correction): void {
    this.#list = [...this.#list, { ...c, seen: false }].slice(-keptCorrections)
    this.corrections.touch()
    this.#arrived.emit(c)
  }

  #mark(correctionId: string): void {
    this.#list = this.#list.map((c) => (c.correctionId === correctionId ? { ...c, seen: true } : c))
    this.corrections.touch()
  }
}
