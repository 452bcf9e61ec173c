import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfigFile } from '../../config/file.js'
import { loadSettings } from '../../config/load.js'
import { keyOf } from '../../config/names.js'
import { resolveSettings } from '../../config/resolve.js'
import { type Role, type Surroundings, settingNames, settings } from '../../config/settings.js'
import { SkerryError, unwrap } from '../../protocol/errors.js'

const test = suite<{ folder: string }>('config: load')
const around = (env: Record<string, string> = {}): Surroundings => ({ root: true, home: '/root', env })

test.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-config-'))
})
test.after.each(context => rmSync(context.folder, { recursive: true, force: true }))

async function refusal(run: Promise<unknown>): Promise<SkerryError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.instance(error, SkerryError)
  return error as SkerryError
}

for (const [file, role] of [
  ['manager.yaml', 'server'],
  ['agent.yaml', 'agent'],
] satisfies [string, Role][]) {
  test(`config/${file} states the defaults and names every setting of the ${role}`, async () => {
    const text = readFileSync(`config/${file}`, 'utf8')
    const lines = unwrap(await parseConfigFile(text, file))
    const stated = unwrap(resolveSettings({ flags: {}, file: lines, around: around() })).values
    assert.equal(stated, unwrap(resolveSettings({ flags: {}, file: [], around: around() })).values)
    for (const name of settingNames.filter(each => settings[each].roles.includes(role))) {
      assert.ok(new RegExp(`^(# )?${keyOf(name)}: `, 'm').test(text), name)
    }
    for (const { key } of lines)
      assert.ok(
        settingNames.some(name => keyOf(name) === key && settings[name].roles.includes(role)),
        key,
      )
  })
}

test('{data}/skerry.yaml is read if it is there', async ({ folder }) => {
  assert.is((await loadSettings({ data: folder }, around())).values.httpPort, 8470)
  writeFileSync(join(folder, 'skerry.yaml'), 'http-port: 9000\nws-port: 0\n')
  const { values, places } = await loadSettings({}, around({ SKERRY_DATA: folder }))
  assert.is(values.httpPort, 9000)
  assert.is(values.wsPort, 0)
  assert.is(places.httpPort, `${folder}/skerry.yaml:1`)
})

test('a file that was named must be there', async ({ folder }) => {
  const missing = join(folder, 'no.yaml')
  assert.is((await refusal(loadSettings({ config: missing }, around()))).path, '--config')
  assert.is((await refusal(loadSettings({}, around({ SKERRY_CONFIG: missing })))).path, 'SKERRY_CONFIG')
})

test('what is no flat YAML map is refused with its line', async ({ folder }) => {
  const file = join(folder, 'a.yaml')
  const table: [string, number][] = [
    ['http-port: 1\nmqtt-port: [1]\n', 2],
    ['http-port: 1\n  : :\n- x', 2],
    ['- a\n', 1],
    ['http-port: 1\nhttp-port: 2\n', 2],
    ['http-port:\n', 1],
  ]
  for (const [text, number] of table) {
    writeFileSync(file, text)
    const error = await refusal(loadSettings({ config: file }, around()))
    assert.equal([error.code, error.path], ['config.invalid', `${file}:${number}`], text)
  }
})

test('a secret comes from its own file, without the line end', async ({ folder }) => {
  const file = join(folder, 'token')
  writeFileSync(file, 'abc\n')
  assert.is((await loadSettings({ httpTokenFile: file }, around())).values.httpToken, 'abc')
  const both = await refusal(loadSettings({ httpTokenFile: file }, around({ SKERRY_HTTP_TOKEN: 'x' })))
  assert.equal([both.code, both.path], ['config.invalid', '--http-token-file'])
  writeFileSync(file, '\n')
  assert.is((await refusal(loadSettings({ httpTokenFile: file }, around()))).code, 'config.invalid')
})

test.run()
