// Reads what a test file printed: how many of its tests passed, failed and were skipped.

export interface Summary {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Undefined if there is no summary, or one of no tests: then the file never came to `test.run()`, or not to its end. */
export function parseSummary(output: string): Summary | undefined {
  const total = lastCount(output, 'Total')
  const passed = lastCount(output, 'Passed')
  const skipped = lastCount(output, 'Skipped')
  if (total === undefined || passed === undefined || skipped === undefined || total === 0) return undefined
  return { passed, skipped, failed: total - passed - skipped }
}

function lastCount(output: string, title: string): number | undefined {
  const found = [...output.matchAll(new RegExp(`^  ${title}:\\s+(\\d+)`, 'gm'))].at(-1)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** The limit that a file asks for in its first lines: `// time limit: 300 s`. */
export function parseLimitMs(source: string, defaultMs: number): number {
  const seconds = /^\/\/ time limit: (\d+) s$/m.exec(source.split('\n').slice(0, 10).join('\n'))?.[1]
  return seconds === undefined ? defaultMs : Number(seconds) * 1000
}
