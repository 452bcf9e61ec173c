// Which of the errors that Aedes reports are worth counting, and as what.
import type { DropReason } from './tally.js'

/** Undefined for what is counted elsewhere (refused CONNECTs, missed keep-alives) or is nobody's fault (a lost connection). */
export function faultOf(error: Error): DropReason | undefined {
  if ('code' in error || 'returnCode' in error) return undefined
  switch (error.message) {
    case 'connect did not arrive in time':
      return 'connect-timeout'
    case 'keep alive timeout':
      return 'keepalive-missed'
    case 'drain timeout':
      return 'subscriber-slow'
    case 'connection closed':
    case 'Premature close':
      return undefined
    default:
      return 'protocol-fault'
  }
}
