// What devices are, where their births only name it: an agent tells its facts once in a start, perhaps while nobody listened.
import { type Status, stampOfFacts } from '../protocol/messages/status.js'
import type { Device } from './core/model.js'
import type { Requests } from './requests.js'

export class Introductions {
  readonly #requests: Pick<Requests, 'ask' | 'hears'>
  /** Devices whose facts are not known, or are others than before. */
  readonly #strangers = new WeakMap<Device, 'unasked' | 'asked'>()

  constructor(requests: Pick<Requests, 'ask' | 'hears'>) {
    this.#requests = requests
  }

  /** A birth; facts in it have been taken in. */
  birth(device: Device, { stamp }: Status): void {
    const isKnown = stamp === undefined || (device.facts !== null && Buffer.compare(stampOfFacts(device.facts), stamp) === 0)
    if (isKnown) this.#strangers.delete(device)
    else this.#strangers.set(device, 'unasked')
    this.heard(device)
  }

  /** A device that could not be asked, or did not answer, is asked when it is heard next. */
  heard(device: Device): void {
    if (this.#strangers.get(device) !== 'unasked' || !this.#requests.hears(device)) return
    this.#strangers.set(device, 'asked')
    this.#ask(device).catch(() => {
      if (this.#strangers.has(device)) this.#strangers.set(device, 'unasked')
    })
  }

  /** Who asks for a report and has none is told everything, facts too. */
  async #ask(device: Device): Promise<void> {
    for await (const _ of this.#requests.ask(device, { kind: 'report' }, new AbortController().signal));
  }
}
