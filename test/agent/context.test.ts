// Build contexts: which files go, and that tar reads what we write.
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readIgnoreRules } from '../../agent/core/ignore.js'
import { fileEntry, type TarEntry, writeTar } from '../../agent/tar.js'

const contexts = suite('contexts')

const rules: readonly [string, string, boolean][] = [
  ['*.log', 'a.log', true],
  ['*.log', 'deep/a.log', false],
  ['**/*.log', 'deep/er/a.log', true],
  ['**/*.log', 'a.log', true],
  ['node_modules', 'node_modules/x/y.js', true],
  ['/dist/', 'dist/a', true],
  ['dist', 'distant', false],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['[ab].txt', 'b.txt', true],
  ['[^ab].txt', 'b.txt', false],
  ['*\n!keep.txt', 'keep.txt', false],
  ['*\n!keep.txt', 'other.txt', true],
  ['private\n!private/kept', 'private/kept', false],
  ['# comment\n\n  spaced  ', 'spaced', true],
  ['./x/../y', 'y', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['a.b+c(d)', 'a.b+c(d)', true],
  ['a**z', 'ab/c/z', true],
  ['a**z', 'ab/c/y', false],
  ['**', 'any/thing', true],
  ['x/**', 'x', false],
  ['x/**/y', 'x/y', true],
  ['x/**/y', 'x/a/b/y/below', true],
  ['x/**/y', 'x/ay', false],
  ['[a-c]-[!x]', 'b-y', true],
  ['[a-c]-[!x]', 'b-x', false],
  ['[z-a]', 'b', false],
  ['*', '\u{1f600}', true],
]
for (const [text, path, isIgnored] of rules) {
  contexts(`${JSON.stringify(text)} ${isIgnored ? 'leaves out' : 'takes'} ${path}`, () => {
    assert.is(readIgnoreRules(text)(path), isIgnored)
  })
}

// As regular expressions these two would take longer than anybody lives.
contexts('rules of nothing but stars are judged in time', () => {
  const ignores = readIgnoreRules(`${'*a'.repeat(100)}b\n${'**/a'.repeat(50)}/b\n`)
  assert.is(ignores(`${'a'.repeat(255)}/${'a'.repeat(255)}`), false)
})

async function archive(entries: readonly TarEntry[]): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of writeTar(entries)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

contexts('tar reads what is written: modes, owners, links, long and foreign names', async () => {
  const long = `${'d'.repeat(90)}/${'ü'.repeat(30)}.txt`
  const bytes = await archive([
    { kind: 'folder', path: 'dir', mode: 0o755 },
    fileEntry('dir/a.txt', 'x'.repeat(513), { mode: 0o640, uid: 7, gid: 8 }),
    { kind: 'link', path: 'dir/link', to: `../${long}`, mode: 0o777 },
    fileEntry(long, 'long', { mode: 0o644 }),
  ])
  const listed = spawnSync('tar', ['-tv', '--numeric-owner'], {
    input: bytes,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  assert.is(listed.status, 0, listed.stderr)
  assert.match(listed.stdout, /^drwxr-xr-x 0\/0 .* dir\/\n-rw-r----- 7\/8 +513 .* dir\/a\.txt\n/)
  const read = spawnSync('tar', ['-xO', long], { input: bytes, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  assert.is(read.stdout, 'long', read.stderr)
})

contexts('a file that changes while it is read is no archive', async () => {
  for (const sizeBytes of [2, 4]) {
    const entry: TarEntry = { kind: 'file', path: 'a', mode: 0o644, sizeBytes, content: [Buffer.from('abc')] }
    assert.match(String(await archive([entry]).catch(String)), /has changed/)
  }
})

contexts.run()
