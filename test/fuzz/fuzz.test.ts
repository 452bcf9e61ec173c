// time limit: 240 s
// A short run of all that `npm run fuzz` does, always with the same cases; and that the runner finds what it is there to find.
import { suite } from 'uvu'
import { is, match, ok } from 'uvu/assert'
import { parts } from './parts.js'
import { fuzz, type Part, type Target } from './run.js'

const test = suite('fuzzing')
const seed = 20_261_121
const counts: Readonly<Record<string, number>> = { streams: 1200, manager: 400, agent: 800, api: 200 }

for (const part of parts) {
  const to = counts[part.name] ?? 100
  test(`${to} ${part.name} cases crash nothing and leave nothing behind`, async () => {
    const { cases, memory } = await fuzz(part, { seed, from: 0, to })
    is(cases, to)
    ok(memory.length > 1)
  })
}

function partOf(run: Target['run']): Part {
  return { name: 'made', cases: 100, lanes: 2, open: async () => ({ run, check: async () => {}, close: async () => {} }) }
}

async function faultOf(run: Target['run'], to = 100): Promise<string> {
  return fuzz(partOf(run), { seed, from: 0, to }).then(
    () => '',
    (error: Error) => error.message,
  )
}

test('the case that fails is named', async () => {
  const message = await faultOf(number => {
    if (number === 42) throw new Error('found')
  })
  is(message, `made: found; repeat with SEED=${seed} CASE=made:42`)
})

test('what nobody catches is put down to the cases under way', async () => {
  const message = await faultOf(async number => {
    if (number === 42) void Promise.reject(new Error('nobody waits'))
    await new Promise(resolve => setImmediate(resolve))
  })
  match(message, /^made: nobody waits; repeat with SEED=\d+ CASE=made:.*\b42\b/)
})

test('memory that grows is a fault', async () => {
  const kept: string[][] = []
  match(await faultOf(() => void kept.push(Array.from({ length: 20_000 }, (_, n) => `${n}`)), 320), /memory grew by \d+/)
})

test('a case is the same again', async () => {
  const seen: number[][] = [[], []]
  for (const list of seen)
    await fuzz(
      partOf((_, random) => void list.push(random.below(1000))),
      { seed, from: 5, to: 6 },
    )
  is(seen[0]?.length, 1)
  is(seen[0]?.[0], seen[1]?.[0])
})

test.run()
