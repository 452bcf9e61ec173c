// What the Engine says, by the codes that it is told with.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { engineError } from '../../agent/engine-errors.js'

const errors = suite('engine errors')

const said: readonly [string, string][] = [
  ['driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:80 failed: port is already allocated', 'port.in-use'],
  ['Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use', 'port.in-use'],
  ['Address already in use', 'network.overlap'],
  ['Pool overlaps with other one on this address space', 'network.overlap'],
  ['could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network', 'network.overlap'],
  ['Conflict. The container name "/web" is already in use by container "abc". You have to remove that container', 'name.in-use'],
  ['network with name web already exists', 'name.in-use'],
  ['write /var/lib/docker/tmp/x: no space left on device', 'disk.full'],
  ['client version 1.44 is too new. Maximum supported API version is 1.41', 'engine.too-old'],
  ['manifest for web:9 not found: manifest unknown', 'image.unavailable'],
  ['image with reference web:1 was found but does not match the specified platform: wanted linux/arm64', 'image.unavailable'],
  ['invalid mount config for type "bind": bind source path does not exist: /nowhere', 'engine.refused'],
]
for (const [message, code] of said) {
  errors(message, () => {
    const error = engineError(Object.assign(new Error(`(HTTP code 409) unexpected - ${message} `), { statusCode: 409, json: { message } }))
    assert.equal([error.code, error.message], [code, message])
  })
}

errors('an Engine that hangs up is away, and is tried again', () => {
  const error = engineError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
  assert.equal([error.code, error.retryable], ['engine.unavailable', true])
})

errors.run()
