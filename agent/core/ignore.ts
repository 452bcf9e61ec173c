// Which files of a build context stay behind: the rules of a .dockerignore file.

interface Rule {
  readonly pattern: RegExp
  readonly isException: boolean
}

/** True for paths, relative with `/`, that the rules keep out; the last rule that matches decides. */
export function readIgnoreRules(text: string): (path: string) => boolean {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .flatMap(line => readRule(line.trim()))
  return path => rules.reduce((ignored, { pattern, isException }) => (pattern.test(path) ? !isException : ignored), false)
}

function readRule(line: string): Rule[] {
  const isException = line.startsWith('!')
  const path = clean(isException ? line.slice(1).trim() : line)
  return path === '' ? [] : [{ isException, pattern: new RegExp(`^${translate(path)}(/.*)?$`, 's') }]
}

/** Without `.`, `..` and slashes at either end. */
function clean(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments.join('/')
}

/** `*` and `?` stay within a folder, `**` does not. */
function translate(glob: string): string {
  return glob.replace(/\*\*\/|\*\*|\*|\?|\[[^\]]*\]|\\.|[^*?[\\]+|[[\\]/g, token => {
    if (token === '**/') return '(.*/)?'
    if (token === '**') return '.*'
    if (token === '*') return '[^/]*'
    if (token === '?') return '[^/]'
    if (token.length > 2 && token.startsWith('[')) return token.replace(/^\[[!^]/, '[^').replace(/\\/g, '\\\\')
    if (token.length === 2 && token.startsWith('\\')) return literal(token.slice(1))
    return literal(token)
  })
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
