// Builds the package that npm packs from nothing, so that no file of a module that is gone is packed.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
execFileSync('npx', ['tsc', '-b'], { stdio: 'inherit' })
