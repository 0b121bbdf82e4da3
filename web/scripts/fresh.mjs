// Fails when the committed dist/ is not byte for byte what the sources build.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const web = new URL('..', import.meta.url).pathname
const fresh = mkdtempSync(join(tmpdir(), 'fitmq-web-'))

/** Every file below a folder, by its path there. */
function files(folder) {
  const found = new Map()
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name)
    if (statSync(path).isFile()) found.set(name, readFileSync(path))
  }
  return found
}

try {
  execFileSync('npx', ['vite', 'build', '--logLevel', 'error', '--outDir', fresh, '--emptyOutDir'], { cwd: web, stdio: 'inherit' })
  const built = files(fresh)
  const kept = files(join(web, 'dist'))
  const stale = [...new Set([...built.keys(), ...kept.keys()])].filter((name) => {
    const a = built.get(name)
    const b = kept.get(name)
    return a === undefined || b === undefined || !a.equals(b)
  })
  if (stale.length > 0) {
    console.error(`web/dist is not what the sources build (run npm run build): ${stale.sort().join(', ')}`)
    process.exitCode = 1
  } else {
    console.log(`web/dist is fresh: ${kept.size} files`)
  }
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
