// `npm run fuzz`: all parts, two at a time, each in processes of its own. SEED=n for other cases, CASE=part:n to repeat one,
// COUNT=x for x times as many, PART=name for one part alone.
import { fork } from 'node:child_process'
import { parts } from './parts.js'
import { fuzz, type Part, type Range } from './run.js'

/** What one process does. */
interface Job extends Range {
  readonly part: string
}

const say = (line: string): void => console.log(line)
const started = performance.now()

function partNamed(name: string): Part {
  const part = parts.find(each => each.name === name)
  if (part === undefined) throw new Error(`there is no part ${name}: ${parts.map(each => each.name).join(', ')}`)
  return part
}

/** The largest part is shared by two processes, so that two cores have something to do. */
function plan(seed: number, scale: number, only: string | undefined): Job[] {
  const wanted = only === undefined ? parts : [partNamed(only)]
  return wanted.flatMap(({ name, cases }) => {
    const to = Math.max(1, Math.round(cases * scale))
    const half = Math.floor(to / 2)
    return cases < 500_000
      ? [{ part: name, seed, from: 0, to }]
      : [
          { part: name, seed, from: 0, to: half },
          { part: name, seed, from: half, to },
        ]
  })
}

async function runJob({ part, ...range }: Job): Promise<number> {
  try {
    const { cases, tookMs, memory } = await fuzz(partNamed(part), range, say)
    const perSecond = Math.round((cases / tookMs) * 1000)
    say(`${part}: ${cases} cases, 0 faults, ${perSecond} a second, memory ${memory[0]?.toFixed(1)} to ${memory.at(-1)?.toFixed(1)} MiB`)
    return 0
  } catch (error) {
    say(error instanceof Error ? `${error.message}\n${error.cause instanceof Error ? error.cause.stack : ''}` : String(error))
    return 1
  }
}

/** One process for a job: 0 if it found nothing. */
function delegate(job: Job): Promise<number> {
  return new Promise(resolve => {
    const child = fork(import.meta.filename, [JSON.stringify(job)])
    child.once('exit', (code, signal) => {
      if (signal !== null) say(`${job.part}: the process of cases ${job.from} to ${job.to} ended by ${signal}; SEED=${job.seed}`)
      resolve(code ?? 1)
    })
  })
}

async function runAll(jobs: readonly Job[]): Promise<number> {
  const left = [...jobs]
  let failed = 0
  const lane = async (): Promise<void> => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) failed += await delegate(job)
  }
  await Promise.all([lane(), lane()])
  say(
    `${jobs.reduce((sum, { from, to }) => sum + to - from, 0)} cases in ${Math.round((performance.now() - started) / 1000)} s, ${failed} of ${jobs.length} processes failed`,
  )
  return failed
}

async function main(): Promise<number> {
  const [given] = process.argv.slice(2)
  if (given !== undefined) return runJob(JSON.parse(given) as Job)
  const { SEED = String(Date.now() % 1_000_000), COUNT = '1', CASE, PART } = process.env
  const seed = Number(SEED)
  say(`SEED=${seed}`)
  if (CASE === undefined) return runAll(plan(seed, Number(COUNT), PART))
  const [part = '', numbers = ''] = CASE.split(':')
  let failed = 0
  for (const number of numbers.split(',').map(Number)) failed += await runJob({ part, seed, from: number, to: number + 1 })
  return failed
}

process.exit((await main()) === 0 ? 0 : 1)
