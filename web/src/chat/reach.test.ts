import type { ConversationMember, Receipt } from '@fitmq/client'
import { describe, expect, test } from 'vitest'
import { reachOf, tickOf, toldNothing, withReceipt } from './reach'

const person = (userId: string, delivered: number, read: number, from = 0): ConversationMember => ({ userId, name: userId, from, delivered, read })
const receipt = (r: Partial<Receipt>): Receipt => ({ messageId: 'm', conversation: 'g', seq: 1, state: 'delivered', timestamp: '', ...r })
const group = [person('me', 9, 9), person('ana', 5, 3), person('ben', 4, 4), person('cleo', 0, 0, 6)]

describe('how far a message has come', () => {
  test.each([
    [3, { delivered: 2, read: 2, of: 2 }], [4, { delivered: 2, read: 1, of: 2 }], [5, { delivered: 1, read: 0, of: 2 }], [7, { delivered: 0, read: 0, of: 3 }],
  ])('message %d, by its members; who came later does not count', (seq, want) => {
    expect(reachOf(seq, group, toldNothing, 'me')).toEqual(want)
  })
  test('a count of a later message holds for those before, and to have read is to have', () => {
    const told = withReceipt(withReceipt(toldNothing, receipt({ seq: 8, state: 'delivered', count: 3, of: 3 })), receipt({ seq: 7, state: 'read', count: 1, of: 3 }))
    expect(reachOf(7, group, told, 'me')).toEqual({ delivered: 3, read: 1, of: 3 })
    expect(reachOf(8, group, told, 'me')).toEqual({ delivered: 3, read: 0, of: 3 })
    expect(reachOf(4, group, told, 'me')).toEqual({ delivered: 2, read: 1, of: 2 })
  })
  test('of two the other one is named', () => {
    const two = [person('me', 0, 0), person('ana', 1, 1)]
    const told = withReceipt(toldNothing, receipt({ seq: 3, state: 'read', by: 'ana' }))
    expect(reachOf(2, two, told, 'me')).toEqual({ delivered: 1, read: 1, of: 1 })
    expect(reachOf(4, two, told, 'me')).toEqual({ delivered: 0, read: 0, of: 1 })
    expect(withReceipt(told, receipt({ seq: 9, state: 'stored' }))).toBe(told)
  })
  test('the tick is that of the slowest, and never less than what is known', () => {
    expect(tickOf('stored', { delivered: 2, read: 1, of: 2 })).toBe('delivered')
    expect(tickOf('stored', { delivered: 2, read: 2, of: 2 })).toBe('read')
    expect(tickOf('delivered', { delivered: 1, read: 0, of: 2 })).toBe('delivered')
    expect(tickOf('sending', { delivered: 2, read: 2, of: 2 })).toBe('sending')
    expect(tickOf('stored', { delivered: 0, read: 0, of: 0 })).toBe('stored')
  })
})
