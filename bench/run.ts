// Runs the benchmarks one after another, all or those named: `npm run bench -- heartbeats take-over`.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const all = readdirSync(folder)
  .filter(name => name.endsWith('.js') && name !== 'run.js')
  .map(name => name.slice(0, -3))
const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !all.includes(name))
if (unknown.length > 0) {
  console.error(`no benchmark called ${unknown.join(', ')}; there are: ${all.join(', ')}`)
  process.exit(2)
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'processor'}`)
let failed = 0
for (const name of wanted.length > 0 ? wanted : all) {
  console.log(`\n${name}`)
  const { status } = spawnSync(process.execPath, [`${folder}${name}.js`], { stdio: 'inherit', timeout: 15 * 60_000 })
  if (status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1
