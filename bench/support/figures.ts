// Figures out of samples, and the lines that benches print.

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

/** `ours / theirs`, with the target beside it. */
export function ratioLine(ours: number, theirs: number, target: number): string {
  const ratio = ours / theirs
  return `ratio to mosquitto ${ratio.toFixed(2)} (target <= ${target}) ${ratio <= target ? 'ok' : 'MISSED'}`
}

export function limitLine(what: string, value: number, target: number, unit: string): string {
  return `${what} ${value.toFixed(0)} ${unit} (target <= ${target} ${unit}) ${value <= target ? 'ok' : 'MISSED'}`
}

/** One line: what, how much, and the target beside it. */
export function printFigure(what: string, value: number, unit = '', target?: string): void {
  const shown = Number.isInteger(value) || Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)
  console.log(`${what.padEnd(64)} ${shown.padStart(10)} ${unit.padEnd(4)}${target ? ` target ${target}` : ''}`)
}
