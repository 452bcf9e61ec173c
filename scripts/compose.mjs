// The compose harness over this build: COMPOSE_HARNESS names its folder. Every apply is planned first, and must do what was planned.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const harness = process.env.COMPOSE_HARNESS
if (harness === undefined || harness === '') {
  console.error('set COMPOSE_HARNESS to the folder of compose_diff.py, and give its options after --, such as --twice -j2')
  process.exit(2)
}
const place = path => fileURLToPath(new URL(path, import.meta.url))
const skerry = `node ${place('../dist/cli/main.js')} agent`
const { status } = spawnSync('python3', [join(harness, 'compose_diff.py'), 'run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    MGMT_LABELS: '^(com\\.docker\\.compose\\.|io\\.skerry\\.)',
    APPLY_CMD: `node ${place('apply-as-planned.mjs')} -f {file} -p {project}`,
    DOWN_CMD: `${skerry} remove -p {project}`,
  },
})
process.exit(status ?? 1)
