// Patterns that an owner writes: names and paths with stars.

/** `*` stands for any characters. */
export function matchesText(pattern: string, text: string): boolean {
  return toRegExp(pattern.split('*').map(escaped).join('.*')).test(text)
}

/** `*` stands for characters of one segment, `**` for any number of segments, none too. */
export function matchesPath(pattern: string, path: string): boolean {
  const parts = pattern
    .split('/')
    .slice(1)
    .map(segment => (segment === '**' ? '(?:/.*)?' : `/${segment.split('*').map(escaped).join('[^/]*')}`))
  return toRegExp(parts.join('')).test(path)
}

function toRegExp(source: string): RegExp {
  return new RegExp(`^${source}$`, 's')
}

function escaped(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
}
