// Build contexts: which files go, and that tar reads what we write.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openContext } from '../../agent/context.js'
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
  ['[a-c]x', 'bx', true],
  ['[a-c]x', 'dx', false],
  ['[!a-c]x', 'dx', true],
  ['[z-a]', 'b', false],
  ['**/a', 'xa', false],
  ['**/a', 'x/y/a/b', true],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['a/**', 'a/x', true],
  [`${'*'.repeat(200)}b`, 'a'.repeat(2000), false],
  [`${'*a'.repeat(60)}b`, 'a'.repeat(250), false],
  [`${'**/'.repeat(60)}b`, 'a/'.repeat(500), false],
]
for (const [text, path, isIgnored] of rules) {
  contexts(`${JSON.stringify(text.slice(0, 40))} ${isIgnored ? 'leaves out' : 'takes'} ${path.slice(0, 40)}`, () => {
    assert.is(readIgnoreRules(text)(path), isIgnored)
  })
}

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

const build = { context: './app', args: {}, labels: {}, extraHosts: [], cacheFrom: [], tags: [] }

interface Place {
  readonly root: string
  /** The app's folder, with a context and a secret beside it. */
  readonly folder: string
}

async function inPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'skerry-context-'))
  const folder = join(root, 'web')
  mkdirSync(join(folder, 'app/sub'), { recursive: true })
  mkdirSync(join(root, 'etc'))
  for (const path of ['web/app/Dockerfile', 'web/app/sub/a', 'etc/secret', 'etc/Dockerfile']) writeFileSync(join(root, path), path)
  try {
    await test({ root, folder })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

async function pack(folder: string, isConfined: boolean, fields: object = {}): Promise<string> {
  const { archive: chunks, dockerfile } = await openContext({ ...build, ...fields }, { folder, isConfined })
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  const listed = spawnSync('tar', ['-t'], { input: Buffer.concat(all), encoding: 'utf8' })
  return `${dockerfile}: ${listed.stdout.trim().split('\n').join(' ')}`
}

contexts('an archive has what is in the folder; links in it go as links', () =>
  inPlace(async ({ root, folder }) => {
    symlinkSync(join(root, 'etc'), join(folder, 'app/etc'))
    for (const isConfined of [true, false]) assert.is(await pack(folder, isConfined), 'Dockerfile: Dockerfile etc sub/ sub/a')
  }),
)

contexts('an app that brought no files has an empty context', () =>
  inPlace(async ({ folder }) => {
    const inline = { context: '.', dockerfileInline: 'FROM scratch' }
    assert.is(await pack(join(folder, 'none'), true, inline), '.dockerfile-of-the-spec: .dockerfile-of-the-spec')
    assert.match(String(await pack(join(folder, 'none'), true, { ...inline, context: './app' }).catch(String)), /ENOENT|no folder/)
    assert.match(String(await pack(join(folder, 'none'), false, inline).catch(String)), /ENOENT/)
  }),
)

contexts('a context that has become a link is followed for whoever applies by hand, and never for a fleet', () =>
  inPlace(async ({ root, folder }) => {
    rmSync(join(folder, 'app'), { recursive: true })
    symlinkSync(join(root, 'etc'), join(folder, 'app'))
    assert.is(await pack(folder, false), 'Dockerfile: Dockerfile secret')
    assert.match(String(await pack(folder, true).catch(String)), /app is no folder of the app's/)
    assert.match(String(await pack(folder, true, { context: '../etc' }).catch(String)), /not in the app's folder/)
  }),
)

contexts('a Dockerfile beside the context that has become a link is not read for a fleet', () =>
  inPlace(async ({ root, folder }) => {
    symlinkSync(join(root, 'etc/secret'), join(folder, 'other'))
    assert.match(await pack(folder, false, { dockerfile: '../other' }), /^\.dockerfile-of-the-spec: /)
    assert.match(String(await pack(folder, true, { dockerfile: '../other' }).catch(String)), /ELOOP/)
  }),
)

contexts('what turns into a link or a pipe while it is archived ends the archive', () =>
  inPlace(async ({ root, folder }) => {
    for (const swap of [
      () => symlinkSync(join(root, 'etc/secret'), join(folder, 'app/sub/a')),
      () => spawnSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'app/sub/a')]),
    ]) {
      const { archive: chunks } = await openContext(build, { folder, isConfined: true })
      const read = async () => {
        for await (const chunk of chunks) {
          // Its header says that it is a file: the next thing is to read it.
          if (!Buffer.from(chunk).subarray(0, 6).equals(Buffer.from('sub/a\0'))) continue
          rmSync(join(folder, 'app/sub/a'))
          swap()
        }
      }
      assert.match(String(await read().catch(String)), /ELOOP|no file any more/)
      rmSync(join(folder, 'app/sub/a'))
      writeFileSync(join(folder, 'app/sub/a'), 'web/app/sub/a')
    }
  }),
)

contexts.run()
