// The package's version, read beside the sources or the compiled files.
import { readFileSync } from 'node:fs'

export function readVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { version?: string }
      if (found.version !== undefined) return found.version
    } catch {
      // Not there: the other place has it.
    }
  }
  return '0.0.0'
}
