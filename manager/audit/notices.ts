// What the broker saw, as the audit trail tells it.
import type { Notice } from '../../protocol/access.js'
import type { ErrorCode } from '../../protocol/errors.js'
import { targetPath } from '../core/audit.js'
import type { Audit } from './audit.js'

/** Who is told of these was let in before, or showed a certificate of the fleet. All others only say who they are. */
const proved = [
  'publish-denied',
  'publish-too-large',
  'publish-rate',
  'subscribe-denied',
  'subscriptions-full',
  'login-ended',
  'certificate-revoked',
]

const codes: Readonly<Record<string, ErrorCode>> = {
  'publish-denied': 'auth.forbidden',
  'publish-too-large': 'message.too-large',
  'subscribe-denied': 'auth.forbidden',
  'will-denied': 'auth.forbidden',
  'publish-rate': 'auth.limited',
  'login-busy': 'auth.limited',
  'join-rate': 'join.busy',
  'certificate-missing': 'identity.missing',
  'certificate-foreign': 'certificate.invalid',
  'certificate-early': 'certificate.invalid',
  'certificate-revoked': 'certificate.revoked',
  'identity-mismatch': 'certificate.invalid',
}

/** What somebody claims to be called. */
export type Claims = (name: string) => 'users' | 'devices' | undefined

/** A name that is nobody's may be a password that was put in the wrong field: it is not told. */
export function recordNotice(audit: Audit, notice: Notice, claims: Claims): void {
  if (notice.kind === 'identity.conflict') recordConflict(audit, notice)
  else recordRefusal(audit, notice, claims)
}

function recordConflict(audit: Audit, { device, addresses: [holder, other] }: Notice & { kind: 'identity.conflict' }): void {
  const deed = { action: 'connect', target: targetPath({ device }), detail: `the same device is connected from ${holder}` }
  audit.refused(deed, 'identity.conflict', { who: '', via: 'broker', from: other })
}

function recordRefusal(audit: Audit, { reason, who, address, detail = '' }: Notice & { kind: 'refused' }, claims: Claims): void {
  const isProved = proved.includes(reason)
  const kind = claims(who)
  const claimed = kind === undefined ? '' : `${kind}/${who}`
  const deed = { action: reason, ...(isProved ? { target: detail } : { target: claimed, detail }) }
  audit.refused(deed, codes[reason] ?? 'auth.refused', { who: isProved ? who : '', via: 'broker', from: address })
}
