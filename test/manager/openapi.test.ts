// docs/openapi.json is what the routes say.
import * as assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import { describeApi } from '../../manager/api/openapi.js'
import { readVersion } from '../../manager/version.js'

const test = suite('OpenAPI')

test('docs/openapi.json equals what the routes say; if not: npm run build && node scripts/openapi.mjs', async () => {
  const written = JSON.parse(await readFile('docs/openapi.json', 'utf8'))
  assert.deepEqual(JSON.parse(JSON.stringify(await describeApi(readVersion()))), written)
})

test('every operation has a summary and tags, and every reference leads somewhere', async () => {
  const text = await readFile('docs/openapi.json', 'utf8')
  const api = JSON.parse(text)
  for (const [path, operations] of Object.entries<Record<string, { summary?: string; tags?: string[] }>>(api.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      assert.ok(operation.summary !== undefined && operation.tags !== undefined, `${method} ${path}`)
    }
  }
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) assert.ok(name! in api.components.schemas, name)
})

test.run()
