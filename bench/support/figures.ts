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
