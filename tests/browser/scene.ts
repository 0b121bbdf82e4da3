// The people, the session and the challenge of the tests, and athletes who are native MQTT clients over TCP.
import mqtt, { type MqttClient } from 'mqtt'
import type { Broker } from './broker.js'

export const session = 'track'
export const challenge = 'spring'

export interface Person {
  id: string
  name: string
  role: 'member' | 'trainer' | 'admin'
}

export const ana: Person = { id: 'ana', name: 'Ana Ferreira', role: 'member' }
export const ben: Person = { id: 'ben', name: 'Ben Okafor', role: 'member' }
export const tess: Person = { id: 'tess', name: 'Tess Morgan', role: 'trainer' }

export const password = (p: Pick<Person, 'id'>): string => `${p.id}+secret&1` // characters that a link must escape

/** Creates everything by REST; the session runs at the end. */
export async function prepare(broker: Broker, people: Person[] = [ana, ben, tess], title = 'Track, ten by 400'): Promise<void> {
  for (const p of people) await broker.api('PUT', `/users/${p.id}`, { name: p.name, role: p.role, password: password(p) })
  await broker.api('PUT', `/sessions/${session}`, {
    kind: 'workout', title, host: 'ana', trainer: 'tess', visibility: 'open', rankBy: 'distance',
  })
  await broker.api('PUT', `/challenges/${challenge}`, {
    title: 'Hundred kilometres of spring', organizer: 'tess', visibility: 'open',
    metric: 'distance', aggregate: 'sum', order: 'desc', goal: 100_000,
    startsAt: new Date(Date.now() - 86_400_000).toISOString(),
    endsAt: new Date(Date.now() + 3 * 86_400_000).toISOString(),
  })
  for (const p of people) await broker.api('PUT', `/challenges/${challenge}/participants/${p.id}`, {})
  await broker.api('POST', `/sessions/${session}/control`, { action: 'start' })
}

/** Calls the REST API as somebody. */
export async function rest(broker: Broker, who: Pick<Person, 'id'>, method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${broker.url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Basic ${btoa(`${who.id}:${password(who)}`)}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${who.id}: ${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Publishes a notification by HTTP, as a backend does. */
export async function notify(broker: Broker, from: Pick<Person, 'id'>, to: Person, payload: object): Promise<void> {
  await rest(broker, from, 'POST', '/publish', { topic: `user/${to.id}/notification`, qos: 1, payload })
}

/** The link that signs somebody in. */
export function link(broker: Broker, p: Person): string {
  const fragment = new URLSearchParams({ user: p.id, password: password(p), session, challenge })
  return `${broker.url}/#${fragment}`
}

/** The numbers of one moment; what is absent was not measured. */
export interface Moment {
  distance: number
  speed?: number
  heartRate?: number
  cadence?: number
  power?: number
  status?: 'active' | 'paused' | 'ended'
}

/** A wearable: joins the session, sends samples, submits an activity. Survives a broken connection. */
export class Athlete {
  private seq = 0

  private constructor(readonly person: Person, private readonly client: MqttClient, private readonly sport: string, private readonly session: string) {}

  static async connect(broker: Broker, person: Person, sport = 'running', id = session): Promise<Athlete> {
    const client = await mqtt.connectAsync(`mqtt://${broker.addresses.mqtt}`, {
      username: person.id,
      password: password(person),
      clientId: id === session ? `watch-${person.id}` : `watch-${person.id}-${id}`,
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: 3600 },
      reconnectPeriod: 200,
    })
    client.on('error', () => undefined) // a refused reconnect while the broker is down; it tries again
    // Joining is subscribing. Only what concerns this watch, not everybody's samples.
    await client.subscribeAsync(`session/${id}/form/${person.id}`, { qos: 1 })
    return new Athlete(person, client, sport, id)
  }

  /** Sends a sample at this elapsed time; QoS 1, so that the promise ends when the broker has it. */
  async send(elapsedTime: number, moment: Moment): Promise<void> {
    await this.publish(this.sample(elapsedTime, moment, Date.now()))
  }

  /** Sends what was measured without a connection, each at its elapsed time: as a watch that reconnects. */
  async sendLate(moments: readonly (Moment & { elapsedTime: number })[]): Promise<void> {
    const last = moments.at(-1)?.elapsedTime ?? 0
    const now = Date.now()
    await this.publish({ samples: moments.map(({ elapsedTime, ...m }) => this.sample(elapsedTime, m, now - (last - elapsedTime) * 1000)) })
  }

  /** Looks for company where everybody in the tests is: the middle of Berlin. */
  async seek(radius: number, pace: number): Promise<void> {
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await this.client.publishAsync('match/beacon', JSON.stringify({ latitude: 52.52, longitude: 13.405, sport: this.sport, radius, pace, until }), { qos: 1 })
  }

  /** Publishes where only the broker may. */
  async trespass(): Promise<void> {
    await this.client.publishAsync(`session/${this.session}/info`, '{}', { qos: 1 }).catch(() => undefined) // refused it is
  }

  private sample(elapsedTime: number, moment: Moment, at: number): object {
    return { seq: ++this.seq, timestamp: new Date(at).toISOString(), elapsedTime, sport: this.sport, status: 'active', ...moment }
  }

  private async publish(payload: object): Promise<void> {
    await this.client.publishAsync(`session/${this.session}/progress/${this.person.id}`, JSON.stringify(payload), { qos: 1 })
  }

  /** Submits an activity; the same id again counts once. */
  async submit(activityId: string, totalDistance: number, totalElapsedTime: number): Promise<void> {
    const activity = {
      activityId: `${this.person.id}-${activityId}`,
      sport: this.sport,
      startTime: new Date(Date.now() - totalElapsedTime * 1000).toISOString(),
      totalElapsedTime,
      totalDistance,
    }
    await this.client.publishAsync(`challenge/${challenge}/activity`, JSON.stringify(activity), { qos: 1 })
  }

  async leave(): Promise<void> {
    await this.client.endAsync()
  }
}
