// PLCs that say more than PLCs do: commands of every kind in turn, good ones and garbage. Each has to be answered, and as it deserves.
import mqtt, { type MqttClient } from 'mqtt'
import { answerTopics } from '../../protocol/command-topics.js'

export const loadApp = (n: number): string => `services:\n  main:\n    image: bench:${n}\n`

/** What became of the commands of all PLCs. */
export interface Tally {
  good: number
  bad: number
  /** Good ones that were answered with 0. */
  done: number
  /** Bad ones that were answered with another code. */
  refused: number
  /** Answers to nothing, or the wrong ones. */
  unexpected: number
  readonly delaysMs: number[]
}

export function newTally(): Tally {
  return { good: 0, bad: 0, done: 0, refused: 0, unexpected: 0, delaysMs: [] }
}

interface Sent {
  readonly at: number
  readonly good: boolean
}

interface Command {
  readonly topic: string
  readonly payload: string | Buffer
  readonly good: boolean
}

/** One of every ten kinds in turn; six are good. The group has the app `web` with the versions `1.0` and `2.0` as its first two revisions. */
function commandOf(group: string, n: number): Command {
  const web = `skerry/c/g/${group}/web`
  const round = Math.floor(n / 10) % 2
  const kinds: readonly Command[] = [
    { topic: `${web}/run`, payload: String(round), good: true },
    { topic: `${web}/ver`, payload: `${1 + round}.0\u0000\u0000`, good: true },
    { topic: `${web}/run`, payload: Buffer.from([0xff, 0xfe, n & 0xff]), good: false },
    { topic: `${web}/rev`, payload: String(1 + round), good: true },
    { topic: `skerry/c/g/${group}/none/run`, payload: '1', good: false },
    { topic: `${web}/run`, payload: `{"value":0,"id":${n}}`, good: true },
    { topic: `${web}/ver`, payload: '{"value":', good: false },
    { topic: `skerry/cmd/group/${group}`, payload: `{"verb":"run","app":"web","value":"on","id":"${n}"}`, good: true },
    { topic: `skerry/cmd/group/${group}`, payload: 'garbage', good: false },
    { topic: `${web}/spec`, payload: loadApp(round), good: true },
  ]
  return kinds[n % 10] ?? { topic: web, payload: '', good: false }
}

export class LoadPlc {
  /** Commands not yet answered, by the topic of their answers, in order. */
  readonly #waiting = new Map<string, Sent[]>()

  private constructor(
    private readonly client: MqttClient,
    private readonly group: string,
    private readonly tally: Tally,
  ) {}

  static async connect(url: string, group: string, tally: Tally): Promise<LoadPlc> {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
    const plc = new LoadPlc(client, group, tally)
    await client.subscribeAsync([`skerry/a/g/${group}/+/+`, `skerry/ack/group/${group}`], { qos: 1 })
    client.on('message', (topic, payload) => plc.#take(topic, payload.toString()))
    return plc
  }

  /** Its n-th command, at QoS 0 and 1 in turn. */
  send(n: number): void {
    const { topic, payload, good } = commandOf(this.group, n)
    const answers = answerTopics('skerry', topic)?.code ?? ''
    this.#waiting.set(answers, [...(this.#waiting.get(answers) ?? []), { at: performance.now(), good }])
    this.client.publish(topic, payload, { qos: n % 2 === 0 ? 0 : 1 })
    if (good) this.tally.good++
    else this.tally.bad++
  }

  async leave(): Promise<void> {
    await this.client.endAsync(true)
  }

  #take(topic: string, code: string): void {
    const sent = this.#waiting.get(topic)?.shift()
    if (sent === undefined || sent.good !== (code === '0')) this.tally.unexpected++
    else {
      this.tally.delaysMs.push(performance.now() - sent.at)
      if (sent.good) this.tally.done++
      else this.tally.refused++
    }
  }
}

/** Has the PLCs send so many commands in all, at this rate as long as the machine keeps up with it. */
export async function sendPaced(plcs: readonly LoadPlc[], { perSecond, total }: { perSecond: number; total: number }): Promise<void> {
  const start = performance.now()
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * perSecond))
    for (; n < due; n++) plcs[n % plcs.length]?.send(Math.floor(n / plcs.length))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** How many of those that were sent have been answered in whatever way. */
export function answered({ done, refused, unexpected }: Tally): number {
  return done + refused + unexpected
}
