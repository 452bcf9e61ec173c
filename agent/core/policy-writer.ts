// A policy as the file would have it, every rule with what it is about.
import { type DevicePolicy, isFlag, policyRules, type RuleName, ruleNames } from './device-policy.js'
import { written } from './permit-parts.js'

const lineChars = 120

/** YAML that reads as this policy again. */
export function writePolicy(policy: DevicePolicy): string {
  return ruleNames.map(name => `# ${policyRules[name].help}\n${name}:${writeValue(policy, name)}\n`).join('\n')
}

function writeValue(policy: DevicePolicy, name: RuleName): string {
  if (isFlag(name)) return ` ${policy[name]}`
  const entries = policy[name].map(written)
  const line = ` [${entries.join(', ')}]`
  return line.length + name.length < lineChars ? line : `\n${wrap(entries)}`
}

/** As many to a line as fit. */
function wrap(entries: readonly string[]): string {
  const lines: string[] = []
  let line = ''
  for (const entry of entries) {
    if (line !== '' && line.length + entry.length > lineChars - 6) {
      lines.push(line)
      line = ''
    }
    line += `${line === '' ? '' : ' '}${entry},`
  }
  return `  [\n${[...lines, line].map(text => `    ${text}`).join('\n')}\n  ]`
}
