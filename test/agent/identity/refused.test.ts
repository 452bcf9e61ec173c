import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ConnectFault, explainFault, isOfNetwork, type Verdict } from '../../../agent/core/refused.js'
import type { ErrorCode } from '../../../protocol/errors.js'

const test = suite('agent: why the broker cannot be reached')
const server = 'mqtts://10.1.4.2:8883'
const now = Date.parse('2026-02-03T04:05:06Z')

const explain = (code: ConnectFault['code'], message = 'x') => explainFault({ code, message }, server, now)

test('each fault has its code, says what to do, and tells when a further try makes sense', () => {
  const table: [ConnectFault['code'], ErrorCode, RegExp, Verdict['again']][] = [
    [2, 'identity.conflict', /another machine is connected as this device/, 'slowly'],
    [3, 'broker.unavailable', /takes nobody now/, 'soon'],
    [4, 'auth.refused', /user name or password/, 'soon'],
    [5, 'certificate.revoked', /skerry agent join URL TOKEN/, 'renew'],
    [1, 'broker.unavailable', /return code 1/, 'soon'],
    ['CERT_HAS_EXPIRED', 'certificate.expired', /clock says 2026-02-03T04:05:06/, 'soon'],
    ['CERT_NOT_YET_VALID', 'certificate.invalid', /not valid yet.*clock says 2026-02-03T04:05:06.*set it/, 'soon'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate.invalid', /setting names of the server/, 'soon'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ca.mismatch', /another server, or somebody is in between/, 'soon'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ca.mismatch', /no certificate of this device’s fleet/, 'soon'],
    ['EPROTO', 'broker.unavailable', /does not speak TLS/, 'soon'],
    ['ECONNREFUSED', 'broker.unavailable', /no server answers at mqtts:\/\/10.1.4.2:8883: ECONNREFUSED/, 'soon'],
    [undefined, 'broker.unavailable', /: x$/, 'soon'],
  ]
  for (const [fault, code, message, again] of table) {
    const verdict = explain(fault)
    assert.equal([verdict.refusal.code, verdict.again], [code, again], String(fault))
    assert.match(verdict.refusal.message, message)
  }
})

test('faults of the network say nothing of the server, and others do', () => {
  const codes = [
    'ECONNRESET',
    'ETIMEDOUT',
    'ENOTFOUND',
    undefined,
    5,
    'EPROTO',
    'CERT_HAS_EXPIRED',
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
  ]
  assert.equal(
    codes.map(code => isOfNetwork({ code, message: 'x' })),
    [true, true, true, true, false, false, false, false],
  )
})

test.run()
