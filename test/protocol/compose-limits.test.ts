// No text exhausts the reader: bombs are refused with a code, and any text at all gives an answer.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseCompose } from '../../protocol/compose/parse.js'
import { serviceFields } from '../../protocol/compose/service.js'
import { errorKinds } from '../../protocol/errors.js'

const largest = 1024 * 1024
const fill = (text: string, size = largest) => text.repeat(Math.floor(size / text.length))
const web = 'services:\n  web:\n    image: i\n'

function codeOf(text: string, environment: Record<string, string> = {}): string {
  const result = parseCompose(text, { environment })
  return result.ok ? 'ok' : result.refusals[0].code
}

const aliasBomb = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...[...'bcdefghi'].map((name, n) => `${name}: &${name} [${fill(`*${'abcdefgh'[n]},`, 36)}]`),
].join('\n')
const mergeBomb = ['m: &m0 {k: 1}', ...Array.from({ length: 60 }, (_, n) => `n${n}: &m${n + 1} {<<: [*m${n}, *m${n}]}`)].join('\n')

const bombs: readonly (readonly [what: string, code: string, text: string])[] = [
  ['more than a mebibyte', 'spec.too-large', fill('# comment\n', largest + 20)],
  ['a mebibyte in few characters', 'spec.too-large', `# ${fill('é')}`],
  ['aliases of aliases', 'compose.too-complex', aliasBomb],
  ['merges of merges', 'compose.too-complex', mergeBomb],
  ['a mebibyte of [', 'compose.too-complex', fill('[')],
  ['a mebibyte of {', 'compose.too-complex', fill('{')],
  ['a mebibyte of {a:', 'compose.too-complex', fill('{a: ')],
  ['a mebibyte of dashes', 'compose.too-complex', fill('- ')],
  ['a mebibyte of question marks', 'compose.too-complex', fill('? ')],
  ['a mebibyte of ]', 'compose.yaml', fill(']')],
  ['a mebibyte of documents', 'compose.yaml', fill('---\n')],
  ['a mebibyte of short keys', 'compose.too-complex', fill('a:\n')],
  ['a mebibyte of anchors', 'compose.yaml', fill('&a ')],
  ['a mebibyte of quotes', 'compose.yaml', fill('"')],
  ['variables in variables', 'compose.too-complex', `${web}    command: ${fill('${A:-', largest / 2)}${fill('}', largest / 10)}`],
  ['long variables', 'compose.too-complex', `${web}    command: ${fill('$A', largest - 100)}`],
  ['ranges of ports', 'compose.too-complex', `${web}    expose:\n${fill('      - 1-65535\n', 10_000)}`],
]

const limits = suite('a text')

for (const [what, code, text] of bombs) limits(`with ${what} is refused`, () => assert.is(codeOf(text, { A: 'x'.repeat(10_000) }), code))

limits('of a mebibyte that is one value is read', () => {
  assert.is(
    codeOf(`${web}    command: |
      ${fill("'a b' ", largest - 100)}`),
    'ok',
  )
})

limits('of a thousand services is read', () => {
  const services = Array.from({ length: 1000 }, (_, n) => `  s${n}: {image: i, depends_on: [s${n + 1}], ports: ["${n + 1}:80"]}\n`)
  assert.is(codeOf(`services:\n${services.join('')}  s1000: {image: i}\n`), 'ok')
})

function answers(text: string): void {
  const result = parseCompose(text)
  for (const { code } of result.ok ? result.value.warnings : result.refusals) assert.ok(Object.hasOwn(errorKinds, code))
}

limits('of any characters gets an answer', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), answers), { numRuns: 500 })
})

limits('of any bytes gets an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), bytes => answers(Buffer.from(bytes).toString('latin1'))),
    { numRuns: 500 },
  )
})

limits('of YAML’s own marks gets an answer', () => {
  const mark = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ': ',
    '- ',
    '\n',
    ' ',
    '  ',
    '"',
    "'",
    '&a ',
    '*a',
    '<<: ',
    '|\n',
    '>',
    '!t ',
    '? ',
    ',',
    '#',
    '$',
    '${',
    'services',
    'a',
    '80:80',
    '%',
    '---\n',
  )
  fc.assert(
    fc.property(fc.array(mark, { maxLength: 60 }), marks => answers(marks.join(''))),
    { numRuns: 3000 },
  )
})

const attributes = [...Object.keys(serviceFields.read), '__proto__', 'x-a']

limits('with any value for any attribute gets an answer', () => {
  const service = fc.dictionary(fc.constantFrom(...attributes), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true })
  const section = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue({ maxDepth: 2 })))
  const project = fc.record(
    {
      services: fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), service),
      networks: section,
      volumes: section,
      configs: section,
      secrets: section,
    },
    { requiredKeys: ['services'] },
  )
  fc.assert(
    fc.property(project, value => answers(JSON.stringify(value))),
    { numRuns: 3000 },
  )
})

limits.run()
