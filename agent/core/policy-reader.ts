// The lines of a policy file as a policy, or every reason why they are none.
import { accept, type Refusal, type Result } from '../../protocol/errors.js'
import { completePolicy, type DevicePolicy, policyRules, type RuleName, ruleNames } from './device-policy.js'

/** One `rule: value` line of the file. */
export interface PolicyLine {
  readonly key: string
  readonly value: unknown
  /** `file:line`, as editors open it. */
  readonly place: string
}

/** Refuses with `config.invalid` and the place of each fault. */
export function readPolicy(lines: readonly PolicyLine[]): Result<DevicePolicy> {
  const seen = new Set<string>()
  const faults = lines.flatMap(line => {
    const isTwice = seen.has(line.key)
    seen.add(line.key)
    return isTwice ? [fault(line, `${shown(line.key)} is there twice`)] : faultsOf(line)
  })
  const [first, ...others] = faults
  if (first !== undefined) return { ok: false, refusals: [first, ...others] }
  return accept(completePolicy(Object.fromEntries(lines.map(({ key, value }) => [key, value]))))
}

function faultsOf(line: PolicyLine): Refusal[] {
  const { key, value } = line
  const name = ruleNames.find(known => known === key)
  if (name === undefined) return [fault(line, `there is no rule ${shown(key)}${meant(key)}`)]
  const rule = policyRules[name]
  if (rule.kind === 'flag') return typeof value === 'boolean' ? [] : [fault(line, `${name} is true or false, not ${shown(value)}`)]
  if (!Array.isArray(value)) return [fault(line, `${name} is a list such as [default, …], not ${shown(value)}`)]
  return value.flatMap((entry: unknown) =>
    typeof entry === 'string' && (entry === 'default' || rule.isEntry(entry))
      ? []
      : [fault(line, `${shown(entry)} under ${name} is not ${rule.form}`)],
  )
}

/** A known rule that differs only in its signs and case, as a question. */
function meant(key: string): string {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')
  const near = ruleNames.find((name: RuleName) => plain(name) === plain(key))
  return near === undefined ? '' : `; did you mean ${near}?`
}

function fault({ place }: PolicyLine, message: string): Refusal {
  return { code: 'config.invalid', message, path: place }
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80)
}
