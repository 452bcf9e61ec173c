// Whether a request is taken up: pure.
import type { Refusal } from '../../protocol/errors.js'
import type { Request } from '../../protocol/messages/request.js'

export interface Asked {
  readonly request: Request
  /** The present session's epoch. */
  readonly epoch: number
  /** Requests under way. */
  readonly open: number
  /** The same request is under way: its broker has delivered it twice. */
  readonly underway: boolean
  /** It was taken up before. */
  readonly seen: boolean
}

/** Each holds a part on its way and buffers of the Engine. */
export const maxOpenRequests = 4

/** `ignore` where an answer would spoil the one that is under way. */
export function judgeRequest({ request, epoch, open, underway, seen }: Asked): 'take' | 'ignore' | Refusal {
  if (underway) return 'ignore'
  if (request.epoch !== epoch) {
    return { code: 'request.expired', message: `the request is for session ${request.epoch ?? 'none'}, this is session ${epoch}` }
  }
  if (seen) return { code: 'request.repeated', message: 'a request with this id was taken up before' }
  if (request.kind === 'unknown') return { code: 'request.unknown', message: 'this agent does not know the kind of the request' }
  if (request.app === undefined && request.kind !== 'report')
    return { code: 'message.invalid', message: 'the request names no app', path: 'app' }
  if (open >= maxOpenRequests) return { code: 'device.busy', message: `the device is at ${maxOpenRequests} requests already` }
  return 'take'
}
