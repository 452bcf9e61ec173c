// Tells people of what was refused, through the log and through the fleet's own records, and never as fast as somebody can be refused.
import type { Logger } from 'pino'
import type { Access } from '../protocol/access.js'
import type { Clock } from '../protocol/clock.js'
import { type Bucket, take } from './rate.js'
import type { DropReason, Tally } from './tally.js'

interface ReporterParts {
  readonly tally: Tally
  readonly access: Access | undefined
  readonly clock: Clock
  readonly log: Logger
}

export interface Refused {
  /** Told apart from others: an address, or who it is proved to be. */
  readonly source: string
  /** Who it is or says it is. */
  readonly who: string
  readonly address: string
}

/** Records of refusals from all sources together. */
const noteRate = { perSecond: 0.5, burst: 60 }
const mostDetail = 200

export class Reporter {
  readonly #parts: ReporterParts
  #bucket: Bucket | undefined

  constructor(parts: ReporterParts) {
    this.#parts = parts
  }

  refuse(reason: DropReason, { source, who, address }: Refused, detail?: string): void {
    const more = detail === undefined ? {} : { detail: detail.slice(0, mostDetail) }
    const told = this.#parts.tally.drop(reason, source, { who, address, ...more })
    if (told && this.#mayNote()) this.#note({ kind: 'refused', reason, who, address, ...more })
  }

  conflict(device: string, [holder, other]: readonly [holder: string, other: string]): void {
    const told = this.#parts.tally.drop('identity-conflict', device, { address: other, holder })
    if (told && this.#mayNote()) this.#note({ kind: 'identity.conflict', device, addresses: [holder, other] })
  }

  fail(message: string, err: unknown): void {
    this.#parts.log.error({ err }, message)
  }

  #mayNote(): boolean {
    const after = take(this.#bucket, noteRate, this.#parts.clock.monotonic())
    this.#bucket = after ?? this.#bucket
    return after !== undefined
  }

  #note(notice: Parameters<Access['note']>[0]): void {
    try {
      this.#parts.access?.note(notice)
    } catch (error) {
      this.fail('cannot note a refusal', error)
    }
  }
}
