// Prints each built file with its size and its size gzipped.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
let raw = 0
let packed = 0
for (const name of readdirSync(dist, { recursive: true }).sort()) {
  const path = join(dist, name)
  if (!statSync(path).isFile()) continue
  const bytes = readFileSync(path)
  const small = gzipSync(bytes, { level: 9 }).length
  raw += bytes.length
  packed += small
  console.log(`${String(bytes.length).padStart(8)}  ${String(small).padStart(8)} gz  ${name}`)
}
console.log(`${String(raw).padStart(8)}  ${String(packed).padStart(8)} gz  together`)
