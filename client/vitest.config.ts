import { defineConfig } from 'vitest/config'

const source = (path: string): string => new URL(path, import.meta.url).pathname

export default defineConfig({
  resolve: { alias: { '@fitmq/client': source('core/src/index.ts'), '@fitmq/react': source('react/src/index.ts') } },
  test: {
    include: ['{core,react}/test/**/*.test.{ts,tsx}', 'test/*.test.ts'],
    environment: 'node',
    environmentOptions: { happyDOM: { settings: { fetch: { disableSameOriginPolicy: true } } } },
    globalSetup: ['test/build.ts'],
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: process.env.CI ? 1 : 0, // the broker, the tests and whatever else runs share the machine
  },
})
