// `skerry agent plan`, then `apply` with the same arguments: fails if the steps taken are not those that were planned.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const args = process.argv.slice(2)
const skerry = verb => spawnSync(process.execPath, [main, 'agent', verb, ...args], { encoding: 'utf8' })
const isStep = line => /^(pull|build|create|rename|start|stop|remove|refuse)\b/.test(line)
const stepsOf = text => text.split('\n').filter(isStep).sort()

const planned = skerry('plan')
const applied = skerry('apply')
process.stdout.write(applied.stdout)
process.stderr.write(applied.stderr)
if (applied.status !== 0 || planned.status !== 0) process.exit(applied.status ?? 1)

const [foreseen, taken] = [stepsOf(planned.stdout), stepsOf(applied.stderr)]
if (foreseen.join('\n') !== taken.join('\n')) {
  console.error(`planned:\n${foreseen.join('\n')}\ntaken:\n${taken.join('\n')}`)
  process.exit(9)
}
