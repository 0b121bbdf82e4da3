// Prints what each package weighs when an application bundles all of it, without MQTT.js and React, and fails over the budget.
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

/** In bytes, gzipped: both packages together. */
const budget = 15 * 1024
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
      minify: true,
      lib: { entry: `${root}${entry}`, formats: ['cjs'] }, // not es: Vite keeps the white space of such a library
      rollupOptions: { external },
    },
  })
  const code = (Array.isArray(result) ? result : [result]).flatMap((r) => r.output).map((o) => o.code ?? '').join('')
  return { raw: Buffer.byteLength(code), packed: gzipSync(code, { level: 9 }).length }
}

const core = await weigh('core/src/index.ts', ['mqtt'])
const both = await weigh('react/src/index.ts', ['mqtt', 'react', 'react/jsx-runtime'])
const line = (name, { raw, packed }) => console.log(`${String(raw).padStart(8)}  ${String(packed).padStart(8)} gz  ${name}`)
line('@fitmq/client, without MQTT.js', core)
line('@fitmq/react with @fitmq/client, without MQTT.js and React', both)
const most = Math.max(core.packed, both.packed)
if (most > budget) {
  console.error(`over the budget of ${budget} bytes gzipped by ${most - budget}`)
  process.exitCode = 1
}
