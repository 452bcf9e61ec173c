// Every attribute of a compose file has a rule of the device's policy, or a reason why it needs none; docs/policy.md says which.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { policyRules, ruleNames } from '../../../agent/core/device-policy.js'
import { buildChecks } from '../../../agent/core/permit-images.js'
import { networkChecks } from '../../../agent/core/permit-networks.js'
import type { Checks } from '../../../agent/core/permit-parts.js'
import { serviceChecks } from '../../../agent/core/permit-service.js'
import { volumeChecks } from '../../../agent/core/permit-volumes.js'
import type { DeviceRequest, Hook, PlacedFile, VolumesFrom } from '../../../protocol/compose/parts.js'
import type { Attachment, Mount, Port, Resources } from '../../../protocol/compose/project.js'

const test = suite('attributes under the policy')

type FieldsOf<T> = T extends unknown ? keyof T : never

/**
 * What is looked at with the attribute that it is of, by the check that looks, or why nothing does. None of these compiles once there is a new
 * field of which nothing has been said.
 */
const parts = {
  hook: { command: '', user: '', privileged: 'privileged', workingDir: '', environment: '' } satisfies Record<keyof Hook, string>,
  mount: {
    ...{ type: 'paths', source: 'paths', target: '', options: 'paths', createSource: '', recursive: '' },
    ...{ subpath: 'refused by the compose reader where it climbs', labels: 'ours', sizeBytes: '', mode: '', readOnly: '' },
  } satisfies Record<FieldsOf<Mount>, string>,
  file: { target: '', source: 'paths', mode: '', uid: '', gid: '' } satisfies Record<keyof PlacedFile, string>,
  volumesFrom: { service: '', container: 'containers', readOnly: '' } satisfies Record<keyof VolumesFrom, string>,
  request: { driver: '', count: '', deviceIds: '', capabilities: '', options: '' } satisfies Record<keyof DeviceRequest, string>,
  port: { hostIp: '', published: '', publishedTo: '', target: '', protocol: '' } satisfies Record<keyof Port, string>,
  attachment: {
    ...{ aliases: '', ipv4: '', ipv6: '', linkLocal: '', macAddress: '', priority: '', gatewayPriority: '', driverOpts: '' },
    interfaceName: '',
  } satisfies Record<keyof Attachment, string>,
  resources: {
    ...{ memoryBytes: '', memoryReservationBytes: '', memorySwapBytes: '', cpusMilli: '', memorySwappiness: '', cpuShares: '' },
    ...{ cpuQuotaUs: '', cpuPeriodUs: '', cpuRealtimePeriodUs: '', cpuRealtimeRuntimeUs: '', cpuCount: '', cpuPercent: '' },
    ...{ cpuset: '', pids: '', oomKillDisable: '', oomScoreAdj: '', blkio: '' },
  } satisfies Record<keyof Resources, string>,
}

const tables: readonly (readonly [prefix: string, checks: Checks<Record<string, unknown>>])[] = [
  ['', serviceChecks],
  ['build.', buildChecks],
  ['networks.', networkChecks],
  ['volumes.', volumeChecks],
] as unknown as typeof tables

const entries = tables.flatMap(([prefix, checks]) => Object.entries(checks).map(([name, entry]) => ({ name: prefix + name, entry })))
const doc = readFileSync('docs/policy.md', 'utf8')

const row = (first: string, names: readonly string[]) => `| ${first} | ${names.map(name => `\`${name}\``).join(', ')} |`

test('docs/policy.md has each rule with the attributes that it is about', () => {
  for (const rule of ruleNames) {
    const names = entries.flatMap(({ name, entry }) => (typeof entry !== 'string' && entry.rules.includes(rule) ? [name] : []))
    assert.ok(names.length > 0, `${rule} is about nothing`)
    assert.ok(doc.includes(row(`\`${rule}\``, names)), row(`\`${rule}\``, names))
  }
})

test('docs/policy.md has each other attribute with the reason why it needs no rule', () => {
  const reasons = new Set(entries.flatMap(({ entry }) => (typeof entry === 'string' ? [entry] : [])))
  for (const reason of reasons) {
    const names = entries.flatMap(({ name, entry }) => (entry === reason ? [name] : []))
    assert.ok(doc.includes(row(reason, names)), row(reason, names))
  }
})

test('every rule is explained where it is shown', () => {
  for (const rule of ruleNames) assert.ok(policyRules[rule].help.length > 10)
  assert.ok(Object.keys(parts).length > 0)
})

test.run()
