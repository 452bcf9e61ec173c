// Which names devices, groups, apps, versions of apps and users may have: some become topic segments, file names and compose projects.
import { accept, type Result, refuse } from './errors.js'

const patterns = {
  device: { pattern: /^[a-z0-9][a-z0-9-]{0,35}$/, rule: '1 to 36 of a-z, 0-9 and -, not starting with -' },
  group: { pattern: /^[a-z0-9][a-z0-9_.-]{0,62}$/, rule: '1 to 63 of a-z, 0-9, _, . and -, starting with a letter or digit' },
  app: { pattern: /^[a-z0-9][a-z0-9_-]{0,62}$/, rule: '1 to 63 of a-z, 0-9, _ and -, starting with a letter or digit' },
  version: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/,
    rule: '1 to 63 of A-Z, a-z, 0-9, ., _, + and -, starting with a letter or digit',
  },
  user: { pattern: /^[a-z0-9][a-z0-9_.@-]{0,62}$/, rule: '1 to 63 of a-z, 0-9, _, ., @ and -, starting with a letter or digit' },
} as const

export type NameKind = keyof typeof patterns

export function isName(kind: NameKind, text: string): boolean {
  return patterns[kind].pattern.test(text)
}

/** Refuses with `name.invalid` and the rule that was broken. */
export function checkName(kind: NameKind, text: string): Result<string> {
  if (isName(kind, text)) return accept(text)
  return refuse('name.invalid', `${JSON.stringify(text.slice(0, 80))} is no valid ${kind} name: use ${patterns[kind].rule}`)
}
