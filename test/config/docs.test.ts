// docs/operating.md lists every setting as the table in the code has it.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSecret, keyOf } from '../../config/names.js'
import { type SettingName, settingNames, settings } from '../../config/settings.js'

const test = suite('docs/operating.md')

function rowOf(name: SettingName): string {
  const { roles, fallback, help } = settings[name]
  const value = fallback({ root: true, home: '/root', env: {} })
  const cells = [
    `\`${keyOf(name)}\``,
    roles.join(', '),
    value === undefined || String(value) === '' ? '' : `\`${value}\``,
    isSecret(name) ? `${help} (no flag)` : help,
  ]
  return `| ${cells.join(' | ')} |`
}

test('every setting is a row', () => {
  const rows = readFileSync('docs/operating.md', 'utf8')
    .split('\n')
    .filter(line => /^\| `[a-z-]+` \| (server|agent|client)(,| \|)/.test(line))
  for (const name of settingNames) assert.ok(rows.includes(rowOf(name)), rowOf(name))
})

test.run()
