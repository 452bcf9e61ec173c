// Why a broker could not be reached or did not let the device in, as a person should read it; and how soon to try again.
import type { Refusal } from '../../protocol/errors.js'

export interface ConnectFault {
  /** The CONNACK's return code (MQTT 3.2.2.3), or what the system, TLS or Node call the fault. */
  readonly code: string | number | undefined
  readonly message: string
}

export interface Verdict {
  readonly refusal: Refusal
  /** `slowly`: each try disturbs another machine. `renew`: what was refused is the certificate, and a new one may be had. */
  readonly again: 'soon' | 'slowly' | 'renew'
}

/** `server` is the broker's URL; `now` the device's clock, which is named where certificates seem out of date. */
export function explainFault({ code, message }: ConnectFault, server: string, now: number): Verdict {
  if (typeof code === 'number') return explainReturnCode(code, server)
  const clock = `this device’s clock says ${new Date(now).toISOString()}`
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return certificateFault(`the certificate of ${server} has expired; ${clock}`, 'certificate.expired')
    case 'CERT_NOT_YET_VALID':
      return certificateFault(`the certificate of ${server} is not valid yet; ${clock}: set it`)
    case 'CERT_ENDED':
      return certificateFault(
        `the certificate of ${server} ended before others of this fleet began: the server has to be started anew, or somebody has an old key of it`,
        'certificate.expired',
      )
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return certificateFault(`the certificate of ${server} is not for this name: add the name to the setting names of the server`)
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'CERT_SIGNATURE_FAILURE':
      return certificateFault(
        `${server} has no certificate of this device’s fleet: it is another server, or somebody is in between`,
        'ca.mismatch',
      )
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return later('broker.unavailable', `what listens at ${server} does not speak TLS`)
    default:
      return later('broker.unavailable', `no server answers at ${server}: ${code ?? message}`)
  }
}

const unreached = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** Whether it is the network's fault: what is known of the server is as good as before. */
export function isOfNetwork({ code }: ConnectFault): boolean {
  return code === undefined || (typeof code === 'string' && unreached.has(code))
}

function explainReturnCode(code: number, server: string): Verdict {
  switch (code) {
    case 2:
      return later(
        'identity.conflict',
        'another machine is connected as this device: a state folder was copied; give one of the two an empty folder and let it join anew',
        'slowly',
      )
    case 3:
      return later('broker.unavailable', `${server} takes nobody now`)
    case 4:
      return later('auth.refused', `${server} refuses user name or password`)
    case 5:
      return later(
        'certificate.revoked',
        'the fleet does not take this device’s certificate: it was released, its key was replaced, or it is of another fleet; let it join anew with `skerry agent join URL TOKEN`',
        'renew',
      )
    default:
      return later('broker.unavailable', `${server} refuses the connection: return code ${code}`)
  }
}

function certificateFault(message: string, code: Refusal['code'] = 'certificate.invalid'): Verdict {
  return later(code, message)
}

function later(code: Refusal['code'], message: string, again: Verdict['again'] = 'soon'): Verdict {
  return { refusal: { code, message }, again }
}
