// Runs all tests, or those whose path contains one of the arguments; installs what they need first.
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ensureEngine } from '../cli/engine.js'
import { engineAddress } from './support/engine.js'
import { ensurePrograms } from './support/packages.js'
import { type FileResult, runFiles } from './support/runfiles.js'

const folder = join(import.meta.dirname)
const say = (line: string): void => console.log(line)

async function findTests(filters: readonly string[]): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const files = names.filter(name => name.endsWith('.test.js')).sort()
  return files.filter(name => filters.length === 0 || filters.some(filter => name.includes(filter))).map(name => join(folder, name))
}

function report({ file, fault, passed, failed, output, tookMs }: FileResult): void {
  const name = relative(folder, file).replace(/\.js$/, '.ts')
  const took = `${(tookMs / 1000).toFixed(1)} s`
  if (failed === 0) say(`ok      ${name} (${passed}, ${took})`)
  else say(`FAILED  ${name} (${failed} failed, ${passed} passed, ${took})${fault === undefined ? '' : `: ${fault}`}`)
  for (const [line] of output.matchAll(/^SKIP: .*$/gm)) say(`        ${line}`)
  if (failed > 0) say(output.trimEnd().replace(/^/gm, '        '))
}

async function main(): Promise<number> {
  const files = await findTests(process.argv.slice(2))
  const { pid } = await ensureEngine({ engine: engineAddress, install: true, logFile: join(tmpdir(), 'skerry-test-dockerd.log'), say })
  try {
    await ensurePrograms(say)
    const results = await runFiles(files, { limitMs: 120_000, parallel: 2, onResult: report })
    const sum = (of: 'passed' | 'failed' | 'skipped'): number => results.reduce((total, result) => total + result[of], 0)
    if (sum('skipped') > 0) say(`${sum('skipped')} skipped`)
    if (results.length === 0) say('no test file has such a name')
    say(`${sum('passed')} passed, ${sum('failed')} failed`)
    return sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
  } finally {
    if (pid !== undefined) process.kill(pid, 'SIGTERM')
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  say('0 passed, 1 failed')
  return 1
})
