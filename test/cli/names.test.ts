// What the server's certificate is for besides the machine's own names.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { namesOf } from '../../cli/services/names.js'

const anywhere = { names: [], publicUrl: undefined, mqttHost: '0.0.0.0', httpHost: '::' }

test('addresses to listen on are among them, but not all of them at once', () => {
  assert.equal(namesOf(anywhere), [])
  assert.equal(namesOf({ ...anywhere, mqttHost: '10.1.4.7', httpHost: '10.1.4.7' }), ['10.1.4.7'])
})

test('so is where devices are told to find the server', () => {
  assert.equal(namesOf({ ...anywhere, names: ['a.example'], publicUrl: 'mqtts://b.example:8883' }), ['a.example', 'b.example'])
  assert.equal(namesOf({ ...anywhere, publicUrl: 'mqtts://[2001:db8::1]:8883' }), ['2001:db8::1'])
})

test.run()
