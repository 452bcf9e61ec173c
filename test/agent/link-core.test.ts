// Which settings of the link hold on a device, of all that speak of it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { effectiveLink } from '../../agent/core/link.js'
import { type Link, profiles } from '../../protocol/messages/link.js'
import type { Manifest } from '../../protocol/messages/manifest.js'

const link = suite('the effective link')

const manifest = (more: Partial<Manifest> = {}): Manifest => ({
  version: 1,
  instance: Buffer.alloc(8),
  revision: 1,
  apps: [],
  ...more,
})

function linkOf(device: Manifest | undefined, groups: Record<string, Manifest> = {}, ownS?: number): Link {
  return effectiveLink({ device, groups: new Map(Object.entries(groups)), ownS })
}

link("without one it is a local network's, at the agent's own interval", () => {
  assert.equal(linkOf(undefined), profiles.lan)
  assert.equal(linkOf(manifest(), {}, 5), { ...profiles.lan, intervalS: 5 })
  assert.equal(linkOf(manifest(), {}, 60), { ...profiles.lan, intervalS: 60, keepaliveS: 122 })
})

link("the device's own wins over that of the first of its groups by name, and that over the agent's interval", () => {
  const groups = {
    a: manifest(),
    b: manifest({ link: profiles.cellular }),
    c: manifest({ link: profiles.satellite }),
    z: manifest({ link: profiles.lan }),
  }
  assert.equal(linkOf(manifest({ groups: ['c', 'b', 'a'] }), groups, 5), profiles.cellular)
  assert.equal(linkOf(manifest({ groups: ['c', 'b'], link: profiles.lan }), groups, 5), profiles.lan)
  assert.equal(linkOf(manifest({ groups: ['a'] }), groups, 5), { ...profiles.lan, intervalS: 5 })
})

link('an interval of its own wins over that of the link, and the broker is asked at most every other heartbeat', () => {
  const groups = { a: manifest({ intervalS: 30 }), b: manifest({ intervalS: 20, link: profiles.cellular }) }
  assert.is(linkOf(manifest({ groups: ['a', 'b'] }), groups, 5).intervalS, 20)
  assert.equal(linkOf(manifest({ groups: ['a', 'b'], intervalS: 1500 }), groups), {
    ...profiles.cellular,
    intervalS: 1500,
    keepaliveS: 3002,
  })
  const rarest = linkOf(manifest({ intervalS: 86_400, link: profiles.satellite }))
  assert.equal([rarest.intervalS, rarest.keepaliveS], [3600, 7202], 'no rarer than the broker bears')
})

link('a budget slows telemetry down, and no heartbeat', () => {
  const { intervalS, keepaliveS, metricsS, reportMs, usageS } = linkOf(manifest({ link: profiles.cellular, slow: 4 }))
  assert.equal([intervalS, keepaliveS], [profiles.cellular.intervalS, profiles.cellular.keepaliveS])
  assert.equal([metricsS, reportMs], [7_200, 20_000])
  assert.is(usageS, profiles.cellular.usageS, 'the budget is kept by the accounts')
  assert.is(linkOf(manifest({ link: profiles.satellite, slow: 1_000 })).metricsS, 604_800, 'but they still come')
  assert.is(linkOf(manifest({ slow: 4 })).metricsS, 40, 'not even where every heartbeat carries metrics')
})

link.run()
