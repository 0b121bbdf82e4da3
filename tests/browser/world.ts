// A gym in the middle of its day, made once for those who look at every view: a race that runs, one that is over, a
// challenge with a board, a training, talk, notifications, and people who look for company.
import type { Broker } from './broker.js'
import { ana, Athlete, ben, notify, password, prepare, rest, session, tess, type Person } from './scene.js'

export const root: Person = { id: 'root', name: 'Robin Root', role: 'admin' }

interface Runner {
  readonly who: Person
  readonly speed: number
  readonly heartRate: number
  readonly power?: number
  /** Activities that count in the challenge, in metres. */
  readonly earlier: readonly number[]
}

const member = (id: string, name: string): Person => ({ id, name, role: 'member' })
const chiara = member('chiara', 'Chiara Russo')

/** Who runs, in the order in which they lead. Ben is ahead until Ana passes him. */
const runners: readonly Runner[] = [
  { who: ana, speed: 4.02, heartRate: 166, earlier: [7242.48, 9120] },
  { who: ben, speed: 4.0, heartRate: 174, earlier: [7204.78, 5010] },
  { who: chiara, speed: 3.93, heartRate: 157, earlier: [10234.5, 8400] },
  { who: member('dmitri', 'Dmitri Vance'), speed: 3.86, heartRate: 139, power: 262, earlier: [22400] },
  { who: member('elif', 'Elif Kaya'), speed: 3.8, heartRate: 181, earlier: [6120] },
  { who: member('finn', 'Finn O’Neill'), speed: 3.72, heartRate: 121, earlier: [3010.4] },
]

/** When the race is looked at, in s. */
const start = 1500
const round = (value: number): number => Math.round(value * 100) / 100

/** A course that wavers as people do, the same each time. */
function waver(id: string, t: number): number {
  const [a, b] = [id.charCodeAt(0), id.charCodeAt(1)]
  return 0.6 * Math.sin(t / 11 + a) + 0.3 * Math.sin(t / 4.3 + b) + 0.15 * Math.sin(t * 1.7 + a * b)
}

export class World {
  private readonly athletes: { athlete: Athlete; runner: Runner; distance: number }[] = []
  private second = start

  private constructor(readonly broker: Broker) {}

  static async make(broker: Broker): Promise<World> {
    const world = new World(broker)
    await prepare(broker, [...runners.map((r) => r.who), tess], 'Tuesday track, 10 × 400 m')
    await broker.api('PUT', '/users/root', { name: root.name, role: 'admin', password: password(root) })
    await broker.api('PUT', '/users/planner', { name: 'Planner', role: 'service', password: password({ id: 'planner' }) })
    for (const id of ['ana', 'ben', 'chiara']) await broker.api('PUT', `/links/tess/${id}`, {})
    await world.sessions()
    await world.challenges()
    await world.talk()
    for (const runner of runners) {
      const athlete = await Athlete.connect(broker, runner.who)
      for (const [i, metres] of runner.earlier.entries()) await athlete.submit(`earlier-${i}`, metres, metres / 3)
      world.athletes.push({ athlete, runner, distance: runner.who === ben ? start * runner.speed + 6 : start * runner.speed })
    }
    await world.run(2)
    for (const [who, content] of [[chiara, 'Two to go'], [ben, 'The last one is on me']] as const) {
      await rest(broker, who, 'POST', '/publish', { topic: `session/${session}/chat`, qos: 1, payload: { content } })
    }
    return world
  }

  /** So many seconds of the race. A device may send five samples a second. */
  async run(seconds: number): Promise<void> {
    for (const end = this.second + seconds; this.second < end; this.second++) {
      const t = this.second
      await Promise.all(this.athletes.map((a) => {
        const { who, speed, heartRate, power } = a.runner
        // Ben falls behind once there is somebody to see it.
        const now = speed + 0.4 * waver(who.id, t) - (who === ben && t > start + 6 ? 1.3 : 0)
        a.distance += now
        return a.athlete.send(t, {
          distance: round(a.distance), speed: round(now), heartRate: Math.round(heartRate + 8 * waver(who.id, t)),
          cadence: Math.round(88 + 3 * waver(who.id, t)), ...(power === undefined ? {} : { power: Math.round(power + 40 * waver(who.id, t)) }),
        })
      }))
      await new Promise((resolve) => setTimeout(resolve, 220))
    }
  }

  /** Tess corrects Ana's squat. */
  async correct(): Promise<void> {
    const payload = {
      correctionId: `c-${Date.now()}`, exercise: 'squat', set: 2, repetition: 6, joint: 'knee', measure: 'angle', observed: 112,
      targetMin: 70, targetMax: 100, unit: 'deg', severity: 'warning', cue: 'Deeper, and keep the knees over the toes', expiresIn: 600,
    }
    await rest(this.broker, tess, 'POST', '/publish', { topic: 'session/legs/form/ana', qos: 1, payload })
  }

  /** Somebody who suits Ana looks for company. */
  async seek(): Promise<void> {
    await this.athletes.find((a) => a.runner.who === chiara)?.athlete.seek(5000, 330)
  }

  /** Who looks accepts whom they are proposed. */
  async accept(): Promise<void> {
    const { items } = (await rest(this.broker, chiara, 'GET', '/matches')) as { items: { partnerId: string }[] }
    for (const { partnerId } of items) await rest(this.broker, chiara, 'POST', '/publish', { topic: 'match/reply', qos: 1, payload: { partnerId, accept: true } })
  }

  /** The service that makes plans tells of something. */
  async tell(content: string, more: object = {}): Promise<void> {
    await notify(this.broker, { id: 'planner' }, ana, { content, ...more })
  }

  /** Something that is refused, for the log of refusals. */
  async trespass(): Promise<void> {
    await this.athletes[1]?.athlete.trespass()
  }

  async end(): Promise<void> {
    for (const { athlete } of this.athletes) await athlete.leave()
  }

  private async sessions(): Promise<void> {
    const put = (id: string, session: object): Promise<unknown> => this.broker.api('PUT', `/sessions/${id}`, session)
    await put('legs', { kind: 'training', title: 'Leg day', host: 'tess', trainer: 'tess', visibility: 'open' })
    await put('core', { kind: 'training', title: 'Core and back', host: 'tess', trainer: 'tess', visibility: 'open' })
    await put('hills', { kind: 'workout', title: 'Thursday hill repeats', host: 'ben', visibility: 'open', startsAt: new Date(Date.now() + 2 * 86_400_000).toISOString() })
    await put('closed', { kind: 'workout', title: 'By invitation', host: 'ben', visibility: 'invite' })
    await put('sunday', { kind: 'workout', title: 'Sunday long run', host: 'ana', visibility: 'open', rankBy: 'distance' })
    await this.broker.api('POST', '/sessions/legs/control', { action: 'start' })
    await this.broker.api('POST', '/sessions/sunday/control', { action: 'start' })
    for (const [who, speed] of [[ana, 3.4], [ben, 3.3]] as const) {
      const athlete = await Athlete.connect(this.broker, who, 'running', 'sunday')
      for (let part = 0; part < 4; part++) {
        await athlete.sendLate(Array.from({ length: 60 }, (_, i) => part * 60 + i).map((i) => ({
          elapsedTime: i * 10, distance: round(i * 10 * speed), speed, heartRate: Math.round(110 + i / 4 + 12 * waver(who.id, i)), cadence: 84,
        })))
      }
      await athlete.leave()
    }
    await this.broker.api('POST', '/sessions/sunday/control', { action: 'end' })
  }

  private async challenges(): Promise<void> {
    const day = (n: number): string => new Date(Date.now() + n * 86_400_000).toISOString()
    const put = (id: string, challenge: object): Promise<unknown> =>
      this.broker.api('PUT', `/challenges/${id}`, { organizer: 'tess', visibility: 'open', aggregate: 'sum', order: 'desc', ...challenge })
    await put('stairs', { title: 'Eight thousand metres up', metric: 'ascent', startsAt: day(5), endsAt: day(35), goal: 8000 })
    await put('daily', { title: 'Ten thousand steps a day', metric: 'steps', startsAt: day(-3), endsAt: day(27), goal: 10_000 })
  }

  private async talk(): Promise<void> {
    const say = (who: Person, conversation: string, content: string): Promise<unknown> =>
      rest(this.broker, who, 'POST', '/publish', { topic: `chat/${conversation}/message`, qos: 1, payload: { content } })
    await say(ben, 'ana.ben', 'Are you in on Tuesday? Ten times 400, with the short break.')
    await say(ana, 'ana.ben', 'Of course. My legs are still sore from the hills, so go easy on me.')
    await say(ben, 'ana.ben', 'No promises.')
    await say(ana, 'ana.ben', 'I will bring the stopwatch, you bring the coffee ☕')
    await rest(this.broker, tess, 'PUT', '/conversations/crew', { title: 'Track crew', members: ['ana', 'ben', 'chiara'] })
    await say(tess, 'crew', 'Gate B is closed this week, come in by the car park.')
    await say(ben, 'crew', 'Thanks! See you there.')
    await notify(this.broker, tess, ana, { content: 'Your plan for May is ready', kind: 'training', data: { sessionId: 'legs', kind: 'training' } })
    await this.tell('Rain from noon: better run in the morning', { kind: 'reminder' })
    await this.tell('The track is closed today', { priority: 'urgent' })
  }
}
