// Makes bundle/fitmq.js: @fitmq/client with MQTT.js in one file, for pages without a bundler. The broker serves it.
import { build } from 'vite'

const root = new URL('..', import.meta.url).pathname
await build({
  root,
  configFile: false,
  logLevel: 'error',
  resolve: { conditions: ['browser', 'import', 'module', 'default'] },
  build: {
    outDir: `${root}bundle`,
    emptyOutDir: true,
    target: 'es2022',
    minify: false, // Vite's own keeps the white space of a library
    reportCompressedSize: false,
    lib: { entry: `${root}core/src/index.ts`, formats: ['es'], fileName: () => 'fitmq.js' },
    rollupOptions: { output: { minify: true, codeSplitting: false } },
  },
})
