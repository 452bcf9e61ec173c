// The whole contract suite of aedes-persistence, run over the SQLite persistence.
import assert from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import { equal } from 'uvu/assert'
import { defaultLimits } from '../../broker/limits.js'
import { Persistence } from '../../broker/store/persistence.js'

interface Context {
  plan(count: number): void
  diagnostic(text: string): void
  readonly assert: object
}
type Case = (context: Context) => Promise<void>
interface AbstractOptions {
  readonly test: (name: string, run: Case) => void
  readonly persistence: () => Persistence
  readonly testAsync: boolean
}

const require = createRequire(import.meta.url)
const runAbstract: (options: AbstractOptions) => void = require('aedes-persistence/abstract.js')

const folder = mkdtempSync(join(tmpdir(), 'skerry-abstract-'))
const cases: [string, Case][] = []
let files = 0

runAbstract({
  test: (name, run) => cases.push([name, run]),
  persistence: () => new Persistence({ file: join(folder, `${files++}.db`), limits: defaultLimits }),
  testAsync: true,
})

const contract = suite('aedes-persistence')
contract.after(() => rmSync(folder, { recursive: true }))

for (const [name, run] of cases) contract(name, () => runCase(run))
contract('is the suite of 50 cases', () => equal(cases.length, 50))
contract.run()

/** Runs one case as node:test would: assertions are counted against the plan. */
async function runCase(run: Case): Promise<void> {
  let planned: number | undefined
  let made = 0
  const counted = new Proxy(assert, {
    get(target, name) {
      const check: unknown = Reflect.get(target, name)
      if (typeof check !== 'function') return check
      return (...values: unknown[]): unknown => {
        made++
        return check.apply(target, values)
      }
    },
  })
  const plan = (count: number): void => {
    planned = count
  }
  await run({ plan, diagnostic: () => {}, assert: counted })
  if (planned !== undefined) equal(made, planned)
}
