import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// FITMQ_URL is the running broker that `npm run dev` sends /mqtt and /api to.
const broker = process.env.FITMQ_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // nothing inline: the content security policy allows files of our own origin only
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      '/mqtt': { target: broker, ws: true },
      '/api': { target: broker },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
