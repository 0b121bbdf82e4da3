// The arithmetic of the charts: pure, so that it can be tested.

/** The lowest round number of 1, 2 or 5 times a power of ten (of two for bytes) that is not below the peak. */
export function ceiling(peak: number, bytes = false): number {
  if (!(peak > 0)) return bytes ? 1024 : 1
  if (bytes) return 2 ** Math.ceil(Math.log2(Math.max(peak, 1024)))
  const power = 10 ** Math.floor(Math.log10(peak))
  for (const step of [1, 2, 5]) {
    if (peak <= step * power) return Math.max(1, step * power)
  }
  return 10 * power
}

/** The line through the values, in a box of width by height whose top is the given value, which has room for so many: fewer stand at its right end. */
export function linePath(values: readonly number[], top: number, width: number, height: number, room = values.length): string {
  const step = room <= 1 ? 0 : width / (room - 1)
  const first = room - values.length
  return values.map((v, i) => `${i === 0 ? 'M' : 'L'}${round((first + i) * step)} ${round(height - (Math.min(v, top) / top) * height)}`).join('')
}

/** The same, closed along the bottom. */
export function areaPath(values: readonly number[], top: number, width: number, height: number, room = values.length): string {
  const line = linePath(values, top, width, height, room)
  const first = room <= 1 ? 0 : round(((room - values.length) * width) / (room - 1))
  return line === '' ? '' : `${line}L${room <= 1 ? 0 : width} ${height}L${first} ${height}Z`
}

function round(x: number): number {
  return Math.round(x * 10) / 10
}

/** Values per second averaged over buckets of so many seconds, the newest bucket last and complete. */
export function buckets(values: readonly number[], size: number): number[] {
  const list: number[] = []
  for (let end = values.length; end >= size; end -= size) {
    const part = values.slice(end - size, end)
    list.unshift(part.reduce((sum, v) => sum + v, 0) / size)
  }
  return list
}
