const alphabet = '0123456789abcdefghijklmnopqrstuv' // 32: a character is five random bits

/** A new name that nobody else makes: 26 letters and digits, 128 random bits. */
export function newId(): string {
  // Not crypto.randomUUID: browsers offer that on secure origins only, and a broker in a gym may have none.
  return Array.from(crypto.getRandomValues(new Uint8Array(26)), (b) => alphabet[b & 31]).join('')
}

/** An id as the wire has it: numbers, as older backends have them, become text. */
export const asId = (id: string | number): string => String(id)

/** The name of the conversation of two users, the same for both. */
export function direct(a: string | number, b: string | number): string {
  const [x, y] = [asId(a), asId(b)]
  return x < y ? `${x}.${y}` : `${y}.${x}`
}
