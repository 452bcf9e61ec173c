// Names of images in full, patterns, and lists of them.
import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { checkProofs, type ImageList, imageName, judgeImage, matchesImage, readPattern } from '../../protocol/images.js'

const test = suite('images')

const digest = `sha256:${'a'.repeat(64)}`
const other = `sha256:${'b'.repeat(64)}`

test('a name is filled in as the Engine fills it in', () => {
  for (const [reference, full, registry] of [
    ['nginx', 'docker.io/library/nginx:latest', 'docker.io'],
    ['nginx:1.25', 'docker.io/library/nginx:1.25', 'docker.io'],
    ['library/nginx', 'docker.io/library/nginx:latest', 'docker.io'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest', 'docker.io'],
    ['index.docker.io/nginx', 'docker.io/library/nginx:latest', 'docker.io'],
    ['team/app:2', 'docker.io/team/app:2', 'docker.io'],
    ['registry.example/app', 'registry.example/app:latest', 'registry.example'],
    ['registry.example:5000/team/app:2', 'registry.example:5000/team/app:2', 'registry.example:5000'],
    ['localhost/app', 'localhost/app:latest', 'localhost'],
    ['localhost:5000/app', 'localhost:5000/app:latest', 'localhost:5000'],
    ['Registry.Example/app', 'registry.example/app:latest', 'registry.example'],
    [`nginx@${digest}`, `docker.io/library/nginx@${digest}`, 'docker.io'],
    [`nginx:1.25@${digest}`, `docker.io/library/nginx:1.25@${digest}`, 'docker.io'],
  ] as const) {
    const name = imageName(reference)
    assert.deepEqual([name.full, name.registry], [full, registry], reference)
    assert.equal(imageName(name.full).full, full, `${reference} twice`)
  }
})

test('what may be an id is no name', () => {
  for (const id of [digest, 'a'.repeat(64), 'deadbeef', 'cafe', 'SHA256:ABC123']) {
    assert.equal(imageName(id).registry, '', id)
    assert.ok(!matchesImage('docker.io/**', id), id)
    assert.ok(!matchesImage('*', id), id)
    assert.ok(matchesImage('**', id), id)
  }
  assert.equal(imageName('cafe:latest').full, 'docker.io/library/cafe:latest')
})

test('a pattern fits what it says, and nothing else', () => {
  const cases: readonly (readonly [pattern: string, fits: readonly string[], fitsNot: readonly string[]])[] = [
    [
      'nginx',
      ['nginx', 'nginx:1.25', 'docker.io/library/nginx:2', `nginx@${digest}`, `nginx:1@${digest}`],
      ['nginx2', 'team/nginx', 'registry.example/nginx'],
    ],
    ['nginx:1.*', ['nginx:1.25', 'nginx:1.'], ['nginx', 'nginx:2.1', 'nginx:11', `nginx:1.25@${digest}`, `nginx@${digest}`]],
    ['nginx:*', ['nginx', 'nginx:1.25', `nginx@${digest}`], ['team/nginx']],
    ['*', ['nginx', 'busybox:1'], ['team/app', 'registry.example/app']],
    ['team/*', ['team/app', 'team/other:3'], ['team/app/part', 'other/app', 'nginx']],
    [
      'registry.example/**',
      ['registry.example/app', 'registry.example/a/b/c:1'],
      ['registry.example.evil/app', 'evil/registry.example/app', 'nginx'],
    ],
    ['registry.example/*/app', ['registry.example/team/app'], ['registry.example/app', 'registry.example/a/b/app']],
    ['*.example/app', ['registry.example/app', 'a.b.example/app'], ['registry.example/team/app', 'example/app']],
    ['registry.example:5000/app', ['registry.example:5000/app:1'], ['registry.example/app', 'registry.example:50/app']],
    ['docker.io/**', ['nginx', 'team/app'], ['registry.example/app', 'docker.io.evil/app']],
    ['**/nginx', ['nginx', 'registry.example/a/nginx:2'], ['registry.example/nginx2', 'registry.example/a/b']],
    ['**', ['nginx', 'registry.example/a/b/c', digest], []],
    [`nginx@${digest}`, [`nginx@${digest}`, `nginx:1@${digest}`], ['nginx', `nginx@${other}`, `team/nginx@${digest}`]],
    ['a.b/c', ['a.b/c'], ['axb/c', 'aab/c']],
  ]
  for (const [pattern, fits, fitsNot] of cases) {
    for (const reference of fits) assert.ok(matchesImage(pattern, reference), `${pattern} fits ${reference}`)
    for (const reference of fitsNot) assert.ok(!matchesImage(pattern, reference), `${pattern} does not fit ${reference}`)
    const full = readPattern(pattern)
    assert.ok(full.ok, pattern)
    for (const reference of fits) assert.ok(matchesImage(full.value, reference), `${full.value} fits ${reference}`)
    for (const reference of fitsNot) assert.ok(!matchesImage(full.value, reference), `${full.value} does not fit ${reference}`)
  }
})

test('a pattern is kept in full, and written twice is the same', () => {
  for (const [text, full] of [
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.*', 'docker.io/library/nginx:1.*'],
    ['team/*', 'docker.io/team/*'],
    ['**', '**'],
    ['docker.io/**', 'docker.io/**'],
    ['localhost:5000/app:2', 'localhost:5000/app:2'],
    [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  ] as const) {
    const once = readPattern(text)
    assert.ok(once.ok)
    assert.equal(once.value, full)
    assert.deepEqual(readPattern(once.value), once)
  }
})

test('what is no pattern is refused', () => {
  for (const text of [
    '',
    ' ',
    'a b',
    'nginx:',
    'nginx@',
    'nginx@sha256:abc',
    `nginx@${digest}@${digest}`,
    'a//b',
    '/a',
    'a/',
    'a:b:c',
    'x'.repeat(600),
    'a\nb',
    'ümlaut',
  ]) {
    const read = readPattern(text)
    assert.ok(!read.ok, JSON.stringify(text))
    assert.equal(read.refusals[0].code, 'request.invalid')
  }
})

const fleet: ImageList = { of: 'the fleet', patterns: ['registry.example/**', 'nginx'] }
const line: ImageList = { of: 'group line-1', patterns: ['registry.example/line/*'] }

test('an image must be on every list, and the refusal names image and list', () => {
  assert.ok(judgeImage([], 'anything').ok)
  assert.ok(judgeImage([fleet, line], 'registry.example/line/app:1').ok)
  const refused = judgeImage([fleet, line], 'nginx')
  assert.ok(!refused.ok)
  assert.equal(refused.refusals[0].code, 'image.denied')
  assert.equal(refused.refusals[0].message, 'image docker.io/library/nginx:latest is not on the image list of group line-1')
  assert.match(JSON.stringify(judgeImage([fleet, line], 'busybox')), /the fleet/)
})

test('a list with nothing on it allows nothing', () => {
  assert.ok(!judgeImage([{ of: 'the fleet', patterns: [] }], 'nginx').ok)
})

test('a tag that a list holds to a digest is let through until the image shows which one it is', () => {
  const list: ImageList = { of: 'the fleet', patterns: [`nginx:1.*@${digest}`, `nginx@${other}`] }
  const judged = judgeImage([list], 'nginx:1.25')
  assert.ok(judged.ok)
  assert.deepEqual(judged.value, [{ of: 'the fleet', digests: [digest, other] }])
  assert.equal(checkProofs(judged.value, 'nginx:1.25', [digest]), undefined)
  const refusal = checkProofs(judged.value, 'nginx:1.25', [`sha256:${'c'.repeat(64)}`])
  assert.equal(refusal?.code, 'image.denied')
  assert.match(refusal?.message ?? '', /nginx:1\.25 is sha256:ccc.*the fleet/)
  assert.match(checkProofs(judged.value, 'nginx:1.25', [])?.message ?? '', /has no digest/)
  const later = judgeImage([list], 'nginx:2')
  assert.ok(later.ok)
  assert.deepEqual(later.value, [{ of: 'the fleet', digests: [other] }])
  assert.ok(!judgeImage([list], 'busybox').ok)
})

test('each list wants a proof of its own', () => {
  const lists: ImageList[] = [
    { of: 'the fleet', patterns: [`nginx@${digest}`] },
    { of: 'group a', patterns: [`nginx@${other}`] },
  ]
  const judged = judgeImage(lists, 'nginx')
  assert.ok(judged.ok)
  assert.match(checkProofs(judged.value, 'nginx', [digest])?.message ?? '', /group a/)
})

test('no pattern takes long', () => {
  const pattern = `registry.example/${'**a*'.repeat(120)}b`
  assert.ok(!matchesImage(pattern, `registry.example/${'a'.repeat(480)}`))
})

test.run()
