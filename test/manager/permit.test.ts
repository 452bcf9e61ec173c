// The one rule: a role, and what is in its scope.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { isEventShown, permit, permitCommand } from '../../manager/core/permit.js'
import type { Role, User } from '../../protocol/access.js'

const test = suite('permit')

const user = (role: Role, scoped = false): User => ({
  name: 'eva',
  role,
  scope: scoped ? { groups: new Set(['line-1']), devices: new Set(['a1', 'press']) } : { groups: 'all', devices: 'all' },
})

test('a role may what is asked of it and of those below it', () => {
  const may = (role: Role) =>
    (['viewer', 'operator', 'admin'] as const).filter(each => permit(user(role), { role: each, about: 'fleet' }).ok)
  assert.deepEqual([may('viewer'), may('operator'), may('admin')], [['viewer'], ['viewer', 'operator'], ['viewer', 'operator', 'admin']])
})

test('a scope holds for what is named, and never for the fleet', () => {
  const may = (about: Parameters<typeof permit>[1]['about']) => permit(user('admin', true), { role: 'viewer', about }).ok
  const abouts = [
    'self',
    'list',
    'fleet',
    { kind: 'device', name: 'a1' },
    { kind: 'device', name: 'press' },
    { kind: 'device', name: 'b1' },
    { kind: 'group', name: 'line-1' },
    { kind: 'group', name: 'a1' },
    { kind: 'device', name: 'line-1' },
  ] as const
  assert.deepEqual(abouts.map(may), [true, true, false, true, true, false, true, false, false])
})

test('commands over MQTT need the same as over HTTP', () => {
  const refusal = (who: User, kind: 'device' | 'group', target: string) => {
    const result = permitCommand(who, { kind, target, app: 'web', verb: 'run' })
    return result.ok ? undefined : result.refusals[0].code
  }
  assert.equal(refusal(user('viewer'), 'device', 'a1'), 'auth.forbidden')
  assert.equal(refusal(user('operator'), 'device', 'b1'), undefined)
  assert.equal(refusal(user('operator', true), 'device', 'press'), undefined)
  assert.equal(refusal(user('operator', true), 'device', 'b1'), 'auth.forbidden')
  assert.equal(refusal(user('operator', true), 'group', 'line-2'), 'auth.forbidden')
})

test('events are shown to whom they are about; those about users to admins of the whole fleet', () => {
  const shown = (who: User) =>
    (
      [
        ['app.state', 'a1', null],
        ['app.state', 'b1', null],
        ['group.left', 'b1', 'line-1'],
        ['group.created', null, 'line-2'],
        ['manager.started', null, null],
        ['user.created', null, null],
        ['login.refused', null, null],
      ] as const
    ).map(([type, device, group]) => isEventShown(who, { type, device, group }))
  assert.deepEqual(shown(user('viewer', true)), [true, false, true, false, false, false, false])
  assert.deepEqual(shown(user('admin', true)), [true, false, true, false, false, false, false])
  assert.deepEqual(shown(user('viewer')), [true, true, true, true, true, false, false])
  assert.deepEqual(shown(user('admin')), [true, true, true, true, true, true, true])
})

test.run()
