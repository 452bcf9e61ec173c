// Who may do what: the whole table, and that the broker answers refusals as MQTT has it.
import { suite } from 'uvu'
import { is } from 'uvu/assert'
import { may, type Principal } from '../../broker/auth.js'
import type { Action } from '../../protocol/rights.js'

const rules = suite('access rules')

const root = 'skerry'
const groups = new Set(['line-1'])
const manager: Principal = { kind: 'manager', root }
const operator: Principal = { kind: 'operator', root }
const device: Principal = { kind: 'device', device: 'a', root, groups }
const digest = 'A'.repeat(43)

const table: readonly (readonly [who: Principal, action: Action, topic: string, allowed: boolean])[] = [
  [device, 'publish', 'skerry/device/a/status', true],
  [device, 'publish', 'skerry/h/a', true],
  [device, 'publish', 'skerry/device/a/reported', true],
  [device, 'publish', 'skerry/device/a/desired', false],
  [device, 'publish', 'skerry/device/a/other', false],
  [device, 'publish', 'skerry/device/b/status', false],
  [device, 'publish', 'skerry/group/line-1/desired', false],
  [device, 'publish', `skerry/spec/${digest}`, false],
  [device, 'publish', 'other/device/a/status', false],
  [device, 'publish', 'anything', false],
  [device, 'publish', 'skerry/cmd/device/a/app/web/run', false],
  [device, 'publish', 'skerry/c/d/a/web/run', false],
  [device, 'publish', 'skerry/ack/device/a/app/web/run', false],
  [device, 'publish', 'skerry/a/d/a/web/run', false],
  [device, 'publish', 'skerry/state/device/a', false],
  [device, 'publish', 'skerry/state/manager', false],
  [device, 'will', 'skerry/state/device/a', false],
  [device, 'subscribe', 'skerry/cmd/device/a', false],
  [device, 'subscribe', 'skerry/cmd/#', false],
  [device, 'subscribe', 'skerry/state/#', false],
  [operator, 'publish', 'skerry/cmd/device/a/app/web/run', true],
  [operator, 'subscribe', 'skerry/state/#', true],
  [device, 'will', 'skerry/device/a/status', true],
  [device, 'will', 'skerry/device/a/reported', false],
  [device, 'will', 'skerry/device/b/status', false],
  [device, 'subscribe', 'skerry/device/a/desired', true],
  [device, 'subscribe', 'skerry/device/a/status', false],
  [device, 'subscribe', 'skerry/device/b/desired', false],
  [device, 'subscribe', 'skerry/device/+/desired', false],
  [device, 'subscribe', 'skerry/group/line-1/desired', true],
  [device, 'subscribe', 'skerry/group/+/desired', false],
  [device, 'subscribe', `skerry/spec/${digest}`, true],
  [device, 'subscribe', 'skerry/group/line-2/desired', false],
  [device, 'subscribe', 'skerry/spec/+', false],
  [device, 'subscribe', 'skerry/spec/#', false],
  [device, 'publish', 'skerry/device/a/response/r-1', true],
  [device, 'publish', 'skerry/device/b/response/r-1', false],
  [device, 'publish', 'skerry/device/a/request/r-1', false],
  [device, 'publish', 'skerry/device/a/response', false],
  [device, 'publish', 'skerry/device/a/response/r/1', false],
  [device, 'will', 'skerry/device/a/response/r-1', false],
  [device, 'subscribe', 'skerry/device/a/request/+', true],
  [device, 'subscribe', 'skerry/device/a/request/r-1', true],
  [device, 'subscribe', 'skerry/device/b/request/+', false],
  [device, 'subscribe', 'skerry/device/+/request/+', false],
  [device, 'subscribe', 'skerry/device/a/request/#', false],
  [device, 'subscribe', 'skerry/device/a/response/+', false],
  [device, 'subscribe', 'skerry/device/a/response/r-1', false],
  [device, 'subscribe', 'skerry/#', false],
  [device, 'subscribe', '#', false],
  [operator, 'subscribe', '#', true],
  [operator, 'subscribe', 'skerry/device/+/status', true],
  [operator, 'subscribe', '$SYS/#', false],
  [operator, 'subscribe', '$share/group/topic', false],
  [operator, 'publish', 'skerry/device/a/desired', true],
  [operator, 'publish', 'skerry/device/a/request/r-1', true],
  [operator, 'subscribe', 'skerry/device/a/response/r-1', true],
  [operator, 'publish', 'plant/line', true],
  [operator, 'publish', '$SYS/x', false],
  [operator, 'publish', '', false],
  [operator, 'publish', 'a\u0000b', false],
  [manager, 'publish', 'skerry/device/a/desired', true],
  [manager, 'subscribe', 'skerry/device/+/status', true],
  [manager, 'publish', 'skerry/device/a/request/r-1', true],
  [manager, 'subscribe', 'skerry/device/+/response/+', true],
  [manager, 'publish', '$SYS/x', false],
]

for (const [who, action, topic, allowed] of table) {
  rules(`${who.kind} ${allowed ? 'may' : 'may not'} ${action} ${JSON.stringify(topic).slice(0, 60)}`, () =>
    is(may(who, action, topic), allowed),
  )
}

rules('the root may have several segments', () => {
  const deep: Principal = { ...device, root: 'plant/north' }
  is(may(deep, 'publish', 'plant/north/device/a/status'), true)
  is(may(deep, 'publish', 'plant/device/a/status'), false)
})

rules.run()
