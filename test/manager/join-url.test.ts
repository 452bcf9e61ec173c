// Where a device is told to find the broker, for every way in which one may listen.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { joinUrlOf, type Reach } from '../../manager/core/join-url.js'

const asked = (host?: string) => ({ asked: host, addresses: ['10.1.2.3', '2001:db8::7'] })
const at = (host: string, more: Partial<Reach> = {}): Reach => ({ listener: { host, port: 8883 }, names: [], ...more })
const urlOf = (reach: Reach, host?: string) => joinUrlOf(reach, asked(host))?.url

test('what was configured wins, then the server’s first name, then its one address', () => {
  assert.is(urlOf(at('127.0.0.1', { publicUrl: 'mqtts://fleet.example', names: ['a.example'] })), 'mqtts://fleet.example')
  assert.is(urlOf(at('0.0.0.0', { names: ['a.example', 'b.example'] }), '10.1.2.3'), 'mqtts://a.example:8883')
  assert.is(urlOf(at('10.9.9.9')), 'mqtts://10.9.9.9:8883')
})

test('at a broker that listens everywhere it is the address that whoever asks has come by, if it is the machine’s, else its first', () => {
  assert.is(urlOf(at('0.0.0.0'), '2001:db8::7'), 'mqtts://[2001:db8::7]:8883')
  assert.is(urlOf(at('0.0.0.0'), 'evil.example'), 'mqtts://10.1.2.3:8883')
  assert.is(urlOf(at('::'), 'localhost'), 'mqtts://10.1.2.3:8883')
  assert.is(urlOf(at('::')), 'mqtts://10.1.2.3:8883')
})

test('a name and a password of the server’s own stay here, and a URL without TLS is told', () => {
  assert.equal(joinUrlOf(at('x', { publicUrl: 'mqtts://skerry:secret@broker.example:8884' }), asked()), {
    url: 'mqtts://broker.example:8884',
    note: null,
  })
  assert.match(joinUrlOf({ publicUrl: 'mqtt://broker.example', names: [] }, asked())?.note ?? '', /public-url/)
})

test('a person is told where the line is good on this machine only, and nothing is made up', () => {
  assert.match(joinUrlOf(at('127.0.0.1'), asked())?.note ?? '', /--mqtt-host/)
  assert.is(urlOf(at('127.0.0.1')), 'mqtts://127.0.0.1:8883')
  assert.match(joinUrlOf(at('0.0.0.0'), { asked: undefined, addresses: [] })?.note ?? '', /public-url/)
  assert.is(joinUrlOf({ names: [] }, asked()), undefined)
})

test.run()
