import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './broker.js'

/**
 * Builds the binaries once for all tests, unless FITMQ_BIN (and FITMQ_WEARSIM_BIN, for the recordings) name
 * built ones. They are run directly, not by `go run`, so that a kill reaches the broker itself.
 */
export default function build(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'fitmq-browser-bin-'))
  const make = (env: string, command: string): void => {
    if (process.env[env]) return
    const binary = join(folder, command)
    execFileSync('go', ['build', '-o', binary, `./cmd/${command}`], { cwd: root, stdio: 'inherit' })
    process.env[env] = binary
  }
  make('FITMQ_BIN', 'fitmq')
  if (process.env.FITMQ_RECORDINGS) make('FITMQ_WEARSIM_BIN', 'wearsim')
  return () => rmSync(folder, { recursive: true, force: true })
}
