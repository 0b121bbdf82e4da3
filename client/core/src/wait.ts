/** Waits between attempts, in ms: a random share ("full jitter") of a bound that doubles from the first to the last. */
export const firstWait = 500
export const lastWait = 20_000

/** How long to wait before an attempt, after so many that failed. */
export function jitter(attempt: number, first = firstWait, last = lastWait): number {
  return Math.random() * Math.min(last, first * 2 ** Math.min(attempt, 30))
}

/** A pause that can be cut short. */
export class Pause {
  #wakeUp: (() => void) | undefined

  /** Waits so many ms, or until wake. */
  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeUp = undefined
  }

  wake(): void {
    this.#wakeUp?.()
  }
}
