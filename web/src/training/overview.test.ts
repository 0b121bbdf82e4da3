import type { Correction, LiveSample, Participant } from '@fitmq/client'
import { describe, expect, test } from 'vitest'
import { byUrgency, doing, type Led } from './overview'

const now = Date.parse('2026-06-04T10:00:00Z')
const sample = (age: number, heartRate: number): LiveSample => ({ seq: 1, timestamp: new Date(now - age).toISOString(), heartRate })
const person = (userId: string, max: number): Participant => ({ userId, name: userId, role: 'participant', joinedAt: '', zonesMaxHeartRate: max })
const correction = (correctionId: string, userId: string, seen: boolean): Correction & { seen: boolean } => ({
  correctionId, userId, seen, exercise: 'squat', severity: 'info',
})
const legs: Led = {
  sessionId: 'legs', title: 'Leg day', participants: [person('ana', 200), person('ben', 180), person('cleo', 190)],
  samples: { ana: sample(2000, 150), ben: sample(60_000, 150) },
  corrections: [correction('1', 'ana', true), correction('2', 'ben', false), correction('3', 'ana', false)],
}

describe('a trainer sees', () => {
  test('the live numbers, the zone of the client’s own, and the last correction', () => {
    const d = doing('ana', [legs], now)
    expect([d.session?.title, d.sample?.heartRate, d.zone, d.correction?.correctionId, d.correction?.seen]).toEqual(['Leg day', 150, 3, '3', false])
  })
  test('who is there without live numbers: none, or old ones', () => {
    expect(doing('ben', [legs], now)).toMatchObject({ session: { id: 'legs' }, sample: undefined, zone: undefined, correction: { correctionId: '2' } })
    expect(doing('cleo', [legs], now)).toMatchObject({ session: { id: 'legs' }, sample: undefined, correction: undefined })
  })
  test('nothing of who is in no training', () => {
    expect(doing('dia', [legs], now)).toEqual({ session: undefined, sample: undefined, zone: undefined, correction: undefined })
  })
  test('a client of two trainings where the numbers come from', () => {
    const other: Led = { ...legs, sessionId: 'arms', title: '', samples: {}, corrections: [] }
    expect(doing('ana', [other, legs], now).session?.id).toBe('legs')
    expect(doing('ben', [other, legs], now).session?.title).toBe('arms')
  })
  test('first who trains hardest', () => {
    const clients = ['ben', 'dia', 'ana', 'cleo'].map((name) => ({ name, doing: doing(name, [legs], now) }))
    expect(byUrgency(clients).map((c) => c.name)).toEqual(['ana', 'ben', 'cleo', 'dia'])
  })
})
