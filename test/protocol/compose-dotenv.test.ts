// Files of variables in docker's dialect, by themselves and as `.env` and `env_file`.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDotenv, parseRawVariables } from '../../protocol/compose/dotenv.js'
import { folderOf } from '../../protocol/compose/source.js'
import { unwrap } from '../../protocol/errors.js'
import { compose, faultsOf, web, webOf } from '../support/compose-folder.js'

const outside: Readonly<Record<string, string>> = { SHELL_VAR: 'shell', WON: 'shell' }
const options = { lookup: (name: string) => outside[name], unset: () => {}, take: () => true }

function read(text: string): unknown {
  const result = parseDotenv(text, options)
  return 'values' in result ? Object.fromEntries(result.values) : { line: result.fault.line }
}

const texts: readonly (readonly [text: string, values: Readonly<Record<string, string>>])[] = [
  ['A=1\nB=2', { A: '1', B: '2' }],
  ['A=\nB=', { A: '', B: '' }],
  ['A = b \n\tC=\td\t', { A: 'b', C: 'd' }],
  ['A: 1\nB: x=y', { A: '1', B: 'x=y' }],
  ['A=a=b:c', { A: 'a=b:c' }],
  ['A=a b  c', { A: 'a b  c' }],
  ['A=1\r\nB="2"\r\n\r\n# c\r\nC=3', { A: '1', B: '2', C: '3' }],
  ['# c\n  # d\n\nA=1 # e\nB=1#2\nC=a # b # c', { A: '1', B: '1#2', C: 'a' }],
  ['A="x" # c\nB=\'y\'#c\nC="a # b"', { A: 'x', B: 'y', C: 'a # b' }],
  ['export A=1\nexport\tB="2"\nexportC=3\nexport.D=4', { A: '1', B: '2', exportC: '3', 'export.D': '4' }],
  ['A="one\ntwo"\nB=\'three\n\nfour\'\nC=5', { A: 'one\ntwo', B: 'three\n\nfour', C: '5' }],
  ['A="a\\nb\\tc\\\\d\\"e\\$f\\qg\\0101"', { A: 'a\nb\tc\\d"e$f\\qgA' }],
  ["A='a\\nb\\'c$D${D}'", { A: "a\\nb'c$D${D}" }],
  ['A=a\\nb', { A: 'a\\nb' }],
  ['A="\'x\'"\nB=\'"y"\'', { A: "'x'", B: '"y"' }],
  ['A=1\nB=$A-${A}\nC="<$A>"', { A: '1', B: '1-1', C: '<1>' }],
  ['A=${NOPE:-d}\nB=${NOPE-${A}}\nC=${A:+yes}\nD=$NOPE', { A: 'd', B: 'd', C: 'yes', D: '' }],
  ['A=$$x\nB="\\${A}"\nC=1$\nD=$1', { A: '$x', B: '${A}', C: '1$', D: '$1' }],
  ['WON=file\nA=$WON', { WON: 'file', A: 'shell' }],
  ['SHELL_VAR\nNOPE\nexport SHELL_VAR\nA=1\nSHELL_VAR', { SHELL_VAR: 'shell', A: '1' }],
  ['A.b-c[0]=1\nÄ1=2', { 'A.b-c[0]': '1', Ä1: '2' }],
  ['A=1\nA=2', { A: '2' }],
  ['A={"a": 1}\nB=${NOPE:-{"a": {"b": 1}}}', { A: '{"a": 1}', B: '{"a": {"b": 1}}' }],
  ['', {}],
  ['\n \t\r\n#', {}],
]

const wrong: readonly (readonly [text: string, line: number])[] = [
  ['A=1\nB="x\ny', 2],
  ["\nA='", 2],
  ['A=1\n\nA B=1', 3],
  ['lol$wut', 1],
  ['=x', 1],
  ['A=1\nB=${A', 2],
  ['A=${NOPE:?say so}', 1],
  ['A="\n\n${"', 3],
]

const dotenv = suite('dotenv')

for (const [text, values] of texts) dotenv(`${JSON.stringify(text)} is read`, () => assert.equal(read(text), values))
for (const [text, line] of wrong) dotenv(`${JSON.stringify(text)} is refused`, () => assert.equal(read(text), { line }))

dotenv('a fault never shows a value', () => {
  const result = parseDotenv('A="secret${"', options)
  assert.ok('fault' in result && !result.fault.message.includes('secret'))
})

dotenv('any text is read or refused', () => {
  const mark = fc.constantFrom('A', 'B1', '=', ':', '\n', '\r', ' ', '"', "'", '\\', '$', '${', '}', '#', 'export ', ':-', '\u0000', 'é')
  fc.assert(
    fc.property(fc.array(mark, { maxLength: 40 }), marks => {
      read(marks.join(''))
      parseRawVariables(marks.join(''), options)
    }),
    { numRuns: 3000 },
  )
})

dotenv('what is written with single quotes is read back', () => {
  const value = fc.string({ unit: 'grapheme' }).filter(text => !/['\\]/.test(text))
  fc.assert(fc.property(value, text => assert.equal(read(`A='${text}'`), { A: text })))
})

dotenv.run()

const folder = suite('.env')

const show = web('environment: {A: "${A-none}", B: "${B-none}"}')

folder('gives variables, and the environment wins over it', () => {
  const files = { 'compose.yaml': show, '.env': 'A=file\nB=file' }
  assert.equal(webOf(files, { environment: { B: 'shell' } }).environment, { A: 'file', B: 'shell' })
})

folder('with a byte order mark is read', () => assert.is(webOf({ 'compose.yaml': show, '.env': '\uFEFFA=1' }).environment.A, '1'))

folder('is not read if other files are given instead', () => {
  const files = { 'compose.yaml': show, '.env': 'A=env', 'one.env': 'A=one\nB=one', 'two.env': 'B=$A-two' }
  assert.equal(webOf(files, { variableFiles: ['one.env', 'two.env'] }).environment, { A: 'one', B: 'one-two' })
  assert.equal(webOf(files, { variableFiles: [] }).environment, { A: 'none', B: 'none' })
  assert.equal(faultsOf(files, { variableFiles: ['nope.env'] }), [['compose.inconsistent', 'nope.env']])
})

folder('is one of the paths', () => {
  assert.equal(unwrap(compose({ 'compose.yaml': show, '.env': 'A=1', other: '' })).paths, ['.env', 'compose.yaml'])
})

folder('that is wrong is refused with its line', () => {
  assert.equal(faultsOf({ 'compose.yaml': show, '.env': 'A=1\nB="' }), [['compose.variable', '.env: line 2']])
  assert.equal(faultsOf({ 'compose.yaml': show, '.env': new Uint8Array([65, 61, 0xff]) }), [['compose.yaml', '.env']])
})

folder('cannot set what is a device’s own', () => {
  const files = { 'compose.yaml': show, '.env': 'SKERRY_LABEL_LINE=3' }
  assert.equal(faultsOf(files), [['compose.variable', '.env']])
  const local = { ...folderOf(new Map(Object.entries(files))), isLocal: true }
  assert.equal(faultsOf(files, { folder: local }), [])
})

folder('of too many variables is refused', () => {
  const many = Array.from({ length: 110_000 }, (_, n) => `A${n}=`).join('\n')
  assert.equal(faultsOf({ 'compose.yaml': show, '.env': many }), [['compose.too-complex', '.env']])
})

folder('that multiplies itself is refused', () => {
  const lines = Array.from({ length: 40 }, (_, n) => `A${n + 1}=\${A${n}}\${A${n}}`)
  assert.equal(faultsOf({ 'compose.yaml': show, '.env': ['A0=xx', ...lines].join('\n') }), [['compose.too-complex', '.env: line 22']])
})

folder('does not change the name of the project, which is the app’s', () => {
  const files = { 'compose.yaml': web('hostname: "${COMPOSE_PROJECT_NAME}"'), '.env': 'COMPOSE_PROJECT_NAME=other' }
  assert.is(webOf(files, { environment: { COMPOSE_PROJECT_NAME: 'another' } }).hostname, 'shop')
})

folder('gives what passed-through variables have', () => {
  assert.equal(webOf({ 'compose.yaml': web('environment: [A]'), '.env': 'A=1' }).environment, { A: '1' })
})

folder.run()

const envFile = suite('env_file')

const files = { 'a.env': 'A=a\nB=a\nC=a', 'b.env': 'B=b\nC=b\nD=${A}-${E}', 'raw.env': ' A="x" # $B\n#c\nE\nF=\n' }
const environmentOf = (...lines: string[]) =>
  webOf({ 'compose.yaml': web(...lines), ...files }, { environment: { E: 'shell' } }).environment

envFile('can be one path, a list, or long', () => {
  for (const value of ['a.env', './a.env', '[a.env]', '[{path: a.env}]', '[{path: ./a.env, required: true}]'])
    assert.equal(environmentOf(`env_file: ${value}`), { A: 'a', B: 'a', C: 'a' })
})

envFile('wins over earlier ones and loses to environment, map or list', () => {
  for (const value of ['{C: own}', '[C=own]'])
    assert.equal(environmentOf('env_file: [a.env, b.env]', `environment: ${value}`), { A: 'a', B: 'b', C: 'own', D: 'a-shell' })
})

envFile('is filled in from the environment, then the service, then itself', () => {
  const text = { 'compose.yaml': web('env_file: x.env', 'environment: {S: service, E: service}'), 'x.env': 'X=$E $S $T\nS=x\nT=t\nY=$S $T' }
  assert.equal(webOf(text, { environment: { E: 'shell' } }).environment, {
    X: 'shell service ',
    S: 'service',
    T: 't',
    Y: 'service t',
    E: 'service',
  })
})

envFile('of the format raw is taken as it is', () => {
  assert.equal(environmentOf('env_file: [{path: raw.env, format: raw}]'), { A: '"x" # $B', E: 'shell', F: '' })
})

envFile('that is not required may be missing', () => {
  assert.equal(environmentOf('env_file: [a.env, {path: nope.env, required: false}]'), { A: 'a', B: 'a', C: 'a' })
})

envFile('that is missing is refused by name', () => {
  assert.equal(faultsOf({ 'compose.yaml': web('env_file: [nope.env]') }), [['compose.inconsistent', 'services.web.env_file[0]']])
  const result = compose({ 'compose.yaml': web('env_file: nope.env') })
  assert.match(result.ok ? '' : result.refusals[0].message, /"nope\.env"/)
})

envFile('outside the folder is refused', () => {
  for (const path of ['../a.env', '/etc/a.env', '~/a.env', 'x/../../a.env'])
    assert.equal(faultsOf({ 'compose.yaml': web(`env_file: [${path}]`) }), [['compose.unsupported', 'services.web.env_file[0]']])
})

envFile('gives the same as the same variables in the file', () => {
  const written = webOf({ 'compose.yaml': web('environment: {A: a, B: a, C: a}') })
  assert.equal(webOf({ 'compose.yaml': web('env_file: a.env'), ...files }), written)
})

envFile('is one of the paths, if it is there', () => {
  const text = web('env_file: [./a.env, {path: nope.env, required: false}]', 'label_file: l.env')
  assert.equal(unwrap(compose({ 'compose.yaml': text, ...files, 'l.env': '' })).paths, ['compose.yaml', 'a.env', 'l.env'])
})

envFile('gives labels as label_file, which lose to labels', () => {
  const labels = { 'l.labels': 'from.file=1\nboth=file', 'm.labels': 'more=$E' }
  const text = web('label_file: [l.labels, m.labels]', 'labels: [both=own]')
  assert.equal(webOf({ 'compose.yaml': text, ...labels }, { environment: { E: 'e' } }).labels, { 'from.file': '1', both: 'own', more: 'e' })
})

envFile('that many services read is bounded', () => {
  const services = Array.from({ length: 40 }, (_, n) => `  s${n}: {image: i, env_file: a.env}\n`).join('')
  const big = `A=${'x'.repeat(500_000)}`
  assert.equal(faultsOf({ 'compose.yaml': `services:\n${services}`, 'a.env': big })[0], ['compose.too-complex', 'a.env'])
})

envFile.run()
