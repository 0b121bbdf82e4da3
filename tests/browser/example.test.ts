// The page of client/example.html, which people copy: opened from a file beside the demo, as they would.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { root, until } from './broker.js'

test('the example page shows the ride and what is said', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'fitmq-example-'))
  const demo = spawn(process.env.FITMQ_BIN ?? 'fitmq', ['demo', '--mqtt-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0'])
  try {
    let output = ''
    demo.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    demo.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [url, password] = await until('the demo says where it is', 30, () => {
      const found = [/open +(http:\/\/[^/\s]+)/.exec(output)?.[1], /-P (\S+)/.exec(output)?.[1]] as const
      return found[0] && found[1] ? ([found[0], found[1]] as const) : undefined
    })
    const text = readFileSync(join(root, 'client/example.html'), 'utf8').replaceAll('http://127.0.0.1:8080', url)
    writeFileSync(join(folder, 'example.html'), text)

    await page.goto(`file://${join(folder, 'example.html')}#${password}`)
    await expect(page.locator('#state')).toHaveText('connected (websocket)')
    await expect(page.locator('#riders li')).not.toHaveCount(0)
    await expect(page.locator('#riders')).toContainText(/\d+ bpm/)
    await expect(page.locator('#board li').first()).toContainText('km')
    await page.fill('input', 'Hello')
    await page.click('button')
    await expect(page.locator('#chat')).toContainText('you: Hello')
  } finally {
    const gone = once(demo, 'exit')
    demo.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
})
