// Runs the cases of one part of the fuzzing, watches for what nobody caught, and measures memory as it goes.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { within } from '../support/within.js'
import { Random } from './random.js'

/** What is fuzzed. A case that finds a fault throws. */
export interface Target {
  run(number: number, random: Random): Promise<void> | void
  /** Between cases: whether whoever was there before is still served. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface Part {
  readonly name: string
  /** Cases of the full run. */
  readonly cases: number
  /** How many cases go on at once; a part whose case ends before it returns has one. */
  readonly lanes: number
  open(): Promise<Target>
}

export interface Range {
  readonly seed: number
  readonly from: number
  /** Not included. */
  readonly to: number
}

export interface Outcome {
  readonly cases: number
  readonly tookMs: number
  /** After a full collection, MiB: heap and buffers, at each stop. */
  readonly memory: readonly number[]
}

/** The measure's own noise, and tables that grow to their bounds late. */
const growthMiB = 8
const caseLimitMs = 60_000

/** Throws with the number of the case, or those that were under way, and how to repeat it. */
export async function fuzz(part: Part, { seed, from, to }: Range, say: (line: string) => void = () => {}): Promise<Outcome> {
  const started = performance.now()
  const target = await part.open()
  const watch = new Watch(part, seed)
  const memory: number[] = []
  const stops = to - from < 10_000 ? 8 : 16
  try {
    for (let stop = 0; stop < stops; stop++) {
      const first = from + Math.floor(((to - from) * stop) / stops)
      const last = from + Math.floor(((to - from) * (stop + 1)) / stops)
      await runBlock(target, part.lanes, { seed, from: first, to: last }, watch)
      await target.check()
      watch.check()
      memory.push(measure())
      say(`${part.name}: ${last - from} of ${to - from} cases, ${memory.at(-1)?.toFixed(1)} MiB`)
    }
    const grown = growth(memory)
    if (to - from > stops && grown > growthMiB)
      throw new Error(`memory grew by ${grown.toFixed(1)} MiB: ${memory.map(each => each.toFixed(1)).join(' ')}`)
  } catch (error) {
    throw watch.blame(error)
  } finally {
    watch.end()
    await target.close()
  }
  return { cases: to - from, tookMs: performance.now() - started, memory }
}

async function runBlock(target: Target, lanes: number, { seed, from, to }: Range, watch: Watch): Promise<void> {
  let next = from
  const lane = async (): Promise<void> => {
    while (next < to && watch.isQuiet) {
      const number = next++
      await watch.during(number, () => target.run(number, new Random(seed, watch.part.name, number)))
    }
  }
  await Promise.all(Array.from({ length: Math.min(lanes, to - from) }, lane))
}

/** How much more there is at the end than in the second quarter, the first being for warming up. */
function growth(memory: readonly number[]): number {
  const quarter = memory.length / 4
  return Math.min(...memory.slice(quarter * 3)) - Math.max(...memory.slice(quarter, quarter * 2))
}

let collect: (() => void) | undefined

function measure(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 / 1024
}

/** The cases under way, and what nobody caught meanwhile. */
class Watch {
  readonly part: Part
  readonly #seed: number
  readonly #underway = new Set<number>()
  #fault: { readonly error: unknown; readonly cases: readonly number[] } | undefined
  readonly #catch = (error: unknown): void => {
    this.#fault ??= { error, cases: [...this.#underway] }
  }

  constructor(part: Part, seed: number) {
    this.part = part
    this.#seed = seed
    process.on('uncaughtException', this.#catch)
    process.on('unhandledRejection', this.#catch)
  }

  get isQuiet(): boolean {
    return this.#fault === undefined
  }

  async during(number: number, run: () => Promise<void> | void): Promise<void> {
    this.#underway.add(number)
    try {
      const running = run()
      if (running !== undefined) await within(caseLimitMs, `the end of case ${number}`, running)
    } catch (error) {
      this.#fault ??= { error, cases: [number] }
    }
    this.#underway.delete(number)
  }

  check(): void {
    if (this.#fault !== undefined) throw this.#fault.error
  }

  blame(cause: unknown): Error {
    const { error, cases } = this.#fault ?? { error: cause, cases: [] }
    const again = cases.length === 0 ? '' : `; repeat with SEED=${this.#seed} CASE=${this.part.name}:${cases.join(',')}`
    return new Error(`${this.part.name}: ${error instanceof Error ? error.message : String(error)}${again}`, { cause: error })
  }

  end(): void {
    process.off('uncaughtException', this.#catch)
    process.off('unhandledRejection', this.#catch)
  }
}
