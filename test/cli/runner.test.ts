import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FileResult, runFiles } from '../support/runfiles.js'
import { parseLimitMs, parseSummary } from '../support/summary.js'

const test = suite('test runner')
const uvu = fileURLToPath(import.meta.resolve('uvu'))

const fixtures: Record<string, string> = {
  good: `import { suite } from '${uvu}'\nconst t = suite('a'); t('x', () => {}); t('y', () => {}); t.skip('z', () => {}); t.run()\nconst u = suite('b'); u('x', () => {}); u.run()`,
  bad: `import { suite } from '${uvu}'\nconst t = suite('a'); t('x', () => {}); t('y', () => { throw new Error('boom') }); t.run()`,
  silent: `import { suite } from '${uvu}'\nconst t = suite('a'); t('x', () => {})`,
  hangs: `// time limit: 1 s\nimport { suite } from '${uvu}'\nconst t = suite('a'); t('x', () => {}); t.run(); setInterval(() => {}, 1000)`,
  exits: `import { suite } from '${uvu}'\nconst t = suite('a'); t('x', () => {}); t.run(); process.on('exit', () => { process.exitCode = 3 })`,
  breaks: `throw new Error('at import')`,
}

test('a file passes only if it ends by itself, with a summary, without a failure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-runner-'))
  try {
    const files = Object.entries(fixtures).map(([name, source]) => {
      const file = join(folder, `${name}.mjs`)
      writeFileSync(file, source)
      return file
    })
    const seen: FileResult[] = []
    await runFiles(files, { limitMs: 20_000, parallel: 2, onResult: result => seen.push(result) })
    const by = (name: string): FileResult => seen.find(result => result.file.endsWith(`/${name}.mjs`))!
    const counts = ({ passed, failed, skipped }: FileResult): number[] => [passed, failed, skipped]
    assert.equal(counts(by('good')), [3, 0, 1])
    assert.equal(counts(by('bad')), [1, 1, 0])
    assert.match(by('bad').output, 'boom')
    assert.equal(counts(by('silent')), [0, 1, 0])
    assert.match(by('silent').fault ?? '', 'test.run()')
    assert.equal(counts(by('hangs')), [1, 1, 0])
    assert.match(by('hangs').fault ?? '', 'still runs after 1 s')
    assert.equal(counts(by('exits')), [1, 1, 0])
    assert.equal(counts(by('breaks')), [0, 1, 0])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('summaries and limits are read from text', () => {
  const text = '\n  Total:     5\n  Passed:    3\n  Skipped:   1\n  Duration:  1ms\n'
  assert.equal(parseSummary(text), { passed: 3, skipped: 1, failed: 1 })
  assert.is(parseSummary(''), undefined)
  assert.is(parseSummary(text.replace('5', '0')), undefined)
  assert.is(parseLimitMs('// About this.\n// time limit: 300 s\n', 1), 300_000)
  assert.is(parseLimitMs('const a = 1\n', 7), 7)
})

test.run()
