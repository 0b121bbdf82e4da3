// Prints what each package weighs when an application bundles all of it, without MQTT.js and React, and fails over the budget.
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

/** In bytes, gzipped: what a page loads at its start of @fitmq/client, and with the hooks. */
const budget = { client: 15 * 1024, both: 16 * 1024 }
const root = new URL('..', import.meta.url).pathname

async function weigh(entry, external) {
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@fitmq/client': `${root}core/src/index.ts` } },
    build: {
      write: false,
      target: 'es2022',
      minify: false, // Vite's own keeps the white space of a library
      lib: { entry: `${root}${entry}`, formats: ['es'] },
      // As in an application: what the fallback shares with the rest is in the first file, and no file of its own.
      rollupOptions: { external, preserveEntrySignatures: 'allow-extension', output: { minify: true } },
    },
  })
  const chunks = (Array.isArray(result) ? result : [result]).flatMap((r) => r.output).filter((o) => o.type === 'chunk')
  const packed = (wanted) => chunks.filter(wanted).reduce((sum, c) => sum + gzipSync(c.code, { level: 9 }).length, 0)
  return { start: packed((c) => c.isEntry || !c.isDynamicEntry), later: packed((c) => !c.isEntry && c.isDynamicEntry) }
}

const core = await weigh('core/src/index.ts', ['mqtt'])
const both = await weigh('react/src/index.ts', ['mqtt', 'react', 'react/jsx-runtime'])
const line = (bytes, what) => console.log(`${String(bytes).padStart(8)} bytes gzipped: ${what}`)
line(core.start, '@fitmq/client, all of it, without MQTT.js')
line(both.start, '@fitmq/react with it, without MQTT.js and React')
line(both.later, 'the fallback to event streams, loaded in the background')
if (core.start > budget.client || both.start > budget.both) {
  console.error(`over the budget of ${budget.client} and ${budget.both} bytes`)
  process.exitCode = 1
}
