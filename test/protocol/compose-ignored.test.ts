// What has no effect on a device is named in a warning, and refused where it would mean something else.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileWith, warningsOf } from '../support/compose.js'

const test = suite('what is ignored')

const ignored: readonly (readonly [attribute: string, path: string])[] = [
  ['attach: false', 'attach'],
  ['develop: {watch: []}', 'develop'],
  ['deploy: {mode: global}', 'deploy.mode'],
  ['deploy: {placement: {constraints: []}}', 'deploy.placement'],
  ['deploy: {update_config: {}}', 'deploy.update_config'],
  ['deploy: {rollback_config: {}}', 'deploy.rollback_config'],
  ['deploy: {endpoint_mode: vip}', 'deploy.endpoint_mode'],
  ['deploy: {labels: {a: b}}', 'deploy.labels'],
  ['deploy: {resources: {reservations: {cpus: 1}}}', 'deploy.resources.reservations.cpus'],
  ['deploy: {resources: {reservations: {generic_resources: []}}}', 'deploy.resources.reservations.generic_resources'],
  ['deploy: {restart_policy: {condition: any, delay: 5s}}', 'deploy.restart_policy.delay'],
  ['deploy: {restart_policy: {condition: any, window: 5s}}', 'deploy.restart_policy.window'],
  ['deploy: {restart_policy: {condition: any, max_attempts: 5}}', 'deploy.restart_policy'],
  ['ports: [{target: 80, name: web}]', 'ports[0].name'],
  ['ports: [{target: 80, app_protocol: http}]', 'ports[0].app_protocol'],
  ['volumes: [{type: volume, target: /a, consistency: cached}]', 'volumes[0].consistency'],
  ['volumes: ["/a:/a:delegated"]', 'volumes[0]'],
]

for (const [attribute, path] of ignored)
  test(`${attribute} is ignored with a warning`, () => {
    assert.equal(warningsOf(fileWith(attribute)), [['compose.unsupported', `services.web.${path}`]])
  })

test.run()
