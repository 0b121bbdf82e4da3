import { defineConfig, type PlaywrightTestConfig } from '@playwright/test'

/**
 * The browser is the system's (Debian: apt-get install chromium), or what FITMQ_CHROMIUM names: no download.
 * One worker: every test runs its own broker, and a small machine has room for one at a time.
 */
const config: PlaywrightTestConfig = {
  testDir: '.',
  testMatch: '*.test.ts',
  workers: 1,
  retries: process.env.CI ? 1 : 0, // a machine that does other things as well; a retry is reported as flaky
  fullyParallel: false,
  timeout: process.env.FITMQ_LONG ? 300_000 : 120_000,
  expect: { timeout: 15_000 },
  globalSetup: './build.ts',
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    actionTimeout: 30_000,
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.FITMQ_CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
}
export default defineConfig(config)
