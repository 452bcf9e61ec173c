// Writes docs/openapi.json from the compiled routes: npm run build && node scripts/openapi.mjs
import { mkdirSync, writeFileSync } from 'node:fs'
import { describeApi } from '../dist/manager/api/openapi.js'
import { readVersion } from '../dist/manager/version.js'

mkdirSync(new URL('../docs/', import.meta.url), { recursive: true })
const description = await describeApi(readVersion())
writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${JSON.stringify(description, null, 2)}\n`)
