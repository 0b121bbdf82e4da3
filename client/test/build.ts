import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './broker.js'

/** Builds the broker once for all tests, unless FITMQ_BIN names one; a build that fails fails the tests. */
export default function build(): () => void {
  if (process.env.FITMQ_BIN) return () => undefined
  const folder = mkdtempSync(join(tmpdir(), 'fitmq-client-bin-'))
  const binary = join(folder, 'fitmq')
  execFileSync('go', ['build', '-o', binary, './cmd/fitmq'], { cwd: root, stdio: 'inherit' })
  process.env.FITMQ_BIN = binary
  return () => rmSync(folder, { recursive: true, force: true })
}
