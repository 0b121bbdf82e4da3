// The packages as they are published: packed, installed into a project of somebody's own, checked, built and run.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from './broker.js'

interface Locked {
  version?: string
  resolved?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** What the project uses besides our packages, in the versions of this workspace. */
const others = ['react', 'react-dom', 'vite', 'typescript', '@types/react', '@types/react-dom']
const project = mkdtempSync(join(tmpdir(), 'fitmq-project-'))
let packed: { name: string; filename: string; version: string; files: { path: string }[] }[] = []

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_ENV: 'production' } })

/** Runs what has to fail, and says what it printed. */
function fails(command: string, ...args: string[]): string {
  try {
    run(command, ...args)
  } catch (error) {
    return String((error as { stdout?: string }).stdout)
  }
  throw new Error(`${command} ${args.join(' ')} did not fail`)
}

/** The lock file's entries that the names need, where Node looks for them, with their addresses, which it does not say. */
function closure(all: Record<string, Locked>, names: string[]): Record<string, Locked> {
  const registry = run('npm', 'config', 'get', 'registry').trim().replace(/\/$/, '')
  const needed: Record<string, Locked> = {}
  const take = (name: string, from: string): void => {
    const at = [`${from}/node_modules/${name}`, `node_modules/${name}`].find((path) => all[path])
    if (at === undefined || needed[at]) return
    const { version = '', dependencies = {}, optionalDependencies = {} } = all[at] as Locked
    needed[at] = { ...all[at], resolved: `${registry}/${name}/-/${name.split('/').at(-1)}-${version}.tgz` }
    for (const dep of Object.keys({ ...dependencies, ...optionalDependencies })) take(dep, at)
  }
  for (const name of names) take(name, '')
  return needed
}

/** A project with a lock file, so that npm takes everything from its cache, which `npm ci` has filled. */
function write(): void {
  const lock = JSON.parse(readFileSync(join(root, 'client/package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }
  const ours: Record<string, Locked> = {}
  const dependencies: Record<string, string> = {}
  for (const { name, filename } of packed) {
    const manifest = JSON.parse(run('tar', '-xzOf', filename, 'package/package.json')) as Locked
    dependencies[name] = `file:${filename}`
    const { version, dependencies: deps = {}, peerDependencies = {} } = manifest
    ours[`node_modules/${name}`] = { ...(version ? { version } : {}), resolved: `file:${filename}`, dependencies: deps, peerDependencies }
  }
  const theirs = closure(lock.packages, [...others, 'mqtt'])
  for (const name of others) dependencies[name] = theirs[`node_modules/${name}`]?.version ?? ''
  const json = (file: string, value: unknown): void => writeFileSync(join(project, file), JSON.stringify(value))
  const head = { name: 'project', version: '1.0.0', type: 'module', dependencies }
  json('package.json', head)
  json('package-lock.json', { name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': head, ...ours, ...theirs } })
}

const page = `
import { connect, FitmqError, type Leaderboard } from '@fitmq/client'
import { FitmqConnection, useConnection, useWorkoutSession } from '@fitmq/react'
import { createRoot } from 'react-dom/client'

function Riders({ id }: { id: string }) {
  const { participants, samples, leaderboard } = useWorkoutSession(id)
  const board: Leaderboard | undefined = leaderboard
  return <p>{useConnection().transport} {board?.entries[0]?.name} {participants.map((p) => samples[p.userId]?.heartRate ?? 0).join()}</p>
}
const fit = connect({ token: 'x' })
fit.onError((e: FitmqError) => console.warn(e.code === 'forbidden', e.reason))
createRoot(document.body).render(<FitmqConnection options={{ token: 'x' }}><Riders id="track" /></FitmqConnection>)
`

beforeAll(() => {
  const out = execFileSync('npm', ['pack', '--json', '--workspaces', '--pack-destination', project], { cwd: join(root, 'client'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  packed = JSON.parse(out.slice(out.search(/^[[{]/m))) as typeof packed
  write()
  run('npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts')
  mkdirSync(join(project, 'src'))
  writeFileSync(join(project, 'little.config.js'), 'export default { ssr: { noExternal: true } }')
  writeFileSync(join(project, 'src/page.tsx'), page)
  writeFileSync(join(project, 'index.html'), '<!doctype html><script type="module" src="/src/page.tsx"></script>')
}, 300_000)
afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('the packages', { timeout: 180_000 }, () => {
  test('OK: have the code, its types, a README and the licence, and nothing else', () => {
    expect(packed.map((p) => p.name).sort()).toEqual(['@fitmq/client', '@fitmq/react'])
    for (const { name, files } of packed) {
      const paths = files.map((f) => f.path)
      expect(paths, name).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']))
      expect(paths.filter((p) => !/^(LICENSE|README\.md|package\.json|dist\/[a-z]+(\.d\.ts|\.js))$/.test(p)), name).toEqual([])
      expect(readFileSync(join(project, 'node_modules', name, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
      const manifest = JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')) as Record<string, unknown>
      expect(manifest).toMatchObject({ name, license: 'Apache-2.0', type: 'module', sideEffects: false })
    }
  })

  for (const [resolution, module] of [['bundler', 'esnext'], ['nodenext', 'nodenext']] as const) {
    test(`OK: an application's strict type check finds their types (${resolution})`, () => {
      const options = { strict: true, target: 'es2022', module, moduleResolution: resolution, jsx: 'react-jsx', noEmit: true, skipLibCheck: true, types: [], exactOptionalPropertyTypes: true }
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, lib: ['es2023', 'dom', 'dom.iterable'] }, include: ['src'] }))
      run('npx', 'tsc')
      writeFileSync(join(project, 'src/wrong.ts'), `import { connect } from '@fitmq/client'\nconnect({ token: 7 }).joinSession('x').updateProgress('fast')\n`)
      try {
        expect(fails('npx', 'tsc').match(/wrong\.ts/g)).toHaveLength(2)
      } finally {
        rmSync(join(project, 'src/wrong.ts'))
      }
    })
  }

  test('OK: Vite builds a page of them, with MQTT.js and the fallback in files that are loaded later', () => {
    run('npx', 'vite', 'build', '--logLevel', 'error')
    const files = readdirSync(join(project, 'dist/assets'))
    expect(files.filter((f) => f.endsWith('.js')).length).toBeGreaterThanOrEqual(3)
    const mqtt = files.filter((f) => f.endsWith('.js') && readFileSync(join(project, 'dist/assets', f), 'utf8').includes('pingreq'))
    const entry = /assets\/[^"]+\.js/.exec(readFileSync(join(project, 'dist/index.html'), 'utf8'))?.[0] ?? ''
    expect(mqtt, 'the file with MQTT.js').toHaveLength(1)
    expect(entry).not.toContain(mqtt[0])
  })

  test('OK: who uses a little of the client loads a little', () => {
    writeFileSync(join(project, 'src/little.ts'), `import { direct } from '@fitmq/client'\nconsole.log(direct('b', 'a'))\n`)
    run('npx', 'vite', 'build', '--logLevel', 'error', '--ssr', 'src/little.ts', '--outDir', 'little', '--config', 'little.config.js')
    const code = readFileSync(join(project, 'little/little.js'), 'utf8')
    expect(gzipSync(code).length).toBeLessThan(700)
    expect(run('node', 'little/little.js').trim()).toBe('a.b')
  })

  test('OK: Node imports them, and their exports are those of the sources', async () => {
    const names = async (path: string): Promise<string[]> => Object.keys((await import(path)) as object).sort()
    for (const [name, source] of [['@fitmq/client', '../core/src/index.js'], ['@fitmq/react', '../react/src/index.js']] as const) {
      const said = run('node', '--input-type=module', '-e', `console.log(JSON.stringify(Object.keys(await import('${name}')).sort()))`)
      expect(JSON.parse(said)).toEqual(await names(source))
    }
  })
})
