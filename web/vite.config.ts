import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// FITMQ_URL is the running broker that `npm run dev` sends /mqtt and /api to.
const broker = process.env.FITMQ_URL ?? 'http://127.0.0.1:8080'
const source = (path: string): string => new URL(`../client/${path}`, import.meta.url).pathname

export default defineConfig({
  plugins: [react()],
  resolve: {
    // The client's sources, so that one install and one build make the page.
    alias: { '@fitmq/client': source('core/src/index.ts'), '@fitmq/react': source('react/src/index.ts') },
    dedupe: ['mqtt', 'react', 'react-dom'],
  },
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // light-dark() as it is
    assetsInlineLimit: 0, // nothing inline: the content security policy allows files of our own origin only
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: {
    fs: { allow: ['..'] },
    proxy: {
      '/mqtt': { target: broker, ws: true },
      '/api': { target: broker },
    },
  },
  test: { include: ['src/**/*.test.{ts,tsx}'], environment: 'node' },
})
