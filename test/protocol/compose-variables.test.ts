// Variables in values, as the compose specification has them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseCompose } from '../../protocol/compose/parse.js'
import { unwrap } from '../../protocol/errors.js'

const environment = { V: 'val', EMPTY: '', _u1: 'under' }

function read(value: string): { readonly text: string | null | undefined; readonly warned: number } {
  const { project, warnings } = unwrap(
    parseCompose(`services: {a: {image: i, environment: {X: ${JSON.stringify(value)}}}}`, { environment }),
  )
  return { text: project.services.a?.environment.X, warned: warnings.length }
}

const values: readonly (readonly [template: string, text: string, warned?: number])[] = [
  ['${V}', 'val'],
  ['$V-x', 'val-x'],
  ['$_u1${V}', 'underval'],
  ['${NOPE:-dflt}', 'dflt'],
  ['${EMPTY:-dflt}', 'dflt'],
  ['${EMPTY-dflt}', ''],
  ['${NOPE-}', ''],
  ['$$literal $${X}', '$literal ${X}'],
  ['${V:?must}', 'val'],
  ['${EMPTY?must}', ''],
  ['${V:+yes}', 'yes'],
  ['${NOPE:+yes}', ''],
  ['${EMPTY:+yes}', ''],
  ['${EMPTY+alt}', 'alt'],
  ['${NOPE:-${ALSO:-deep}}', 'deep'],
  ['${NOPE:-a $V $$ {}', 'a val $ {'],
  ['${V:-${NOPE:?not looked up}}', 'val'],
  ['${NOPE}', '', 1],
  ['$NOPE$NOPE', '', 1],
]

const variables = suite('variables')

for (const [template, text, warned = 0] of values)
  variables(`${template} is filled in`, () => assert.equal(read(template), { text, warned }))

for (const template of ['${', '${}', '$', '$1', '${V', '${V/x}', '${-a}', '${NOPE:?must}', '${EMPTY:?}', '${NOPE?${V}}'])
  variables(`${template} is refused`, () => {
    const result = parseCompose(`services: {a: {image: i, environment: {X: ${JSON.stringify(template)}}}}`, { environment })
    assert.equal(result.ok ? [] : result.refusals.map(({ code, path }) => [code, path]), [['compose.variable', 'services.a.environment.X']])
  })

variables('what is no own property of the environment is not set', () => {
  assert.equal(read('${constructor-unset}'), { text: 'unset', warned: 0 })
})

variables('keys and extensions are left alone', () => {
  const { project } = unwrap(parseCompose('x-a: ${\nservices: {a: {image: i, labels: {$V: $V}}}', { environment }))
  assert.equal(project.services.a?.labels, { $V: 'val' })
})

variables('texts that variables give become numbers and flags', () => {
  const { project } = unwrap(
    parseCompose('services: {a: {image: i, tty: "$T", ports: ["${P}:80"], cpu_shares: $N}}', {
      environment: { T: 'true', P: '8080', N: '5' },
    }),
  )
  assert.equal(project.services.a?.tty, true)
  assert.equal(project.services.a?.ports[0]?.published, 8080)
  assert.equal(project.services.a?.resources.cpuShares, 5)
})

variables('entries without a value are passed through, or taken away from those of the image', () => {
  for (const form of ['[V, NOPE]', '{V: , NOPE: }']) {
    const { project, warnings } = unwrap(parseCompose(`services: {a: {image: i, environment: ${form}}}`, { environment }))
    assert.equal(project.services.a?.environment, { NOPE: null, V: 'val' })
    assert.equal(
      warnings.map(({ code }) => code),
      ['compose.variable'],
    )
  }
})

variables.run()
