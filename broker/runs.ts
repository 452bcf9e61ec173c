// Tells two that live under one identity from one that starts anew: by the run that each process names in its CONNECT.

/** As long as nobody has two hundred machines with one identity. */
const mostRuns = 16
const mostDevices = 10_000

/** The run in a device's user name, if it tells one. */
export function runOf(username: string | undefined): string | undefined {
  return /^run-([0-9a-f]{8})$/.exec(username ?? '')?.[1]
}

export class Runs {
  /** For each device the runs that another one displaced, oldest first. */
  readonly #displaced = new Map<string, readonly string[]>()

  /** A run that was displaced lives if it comes back; so whoever holds its place is another. */
  isProof(device: string, run: string | undefined, holder: string | undefined): boolean {
    if (run === undefined || holder === undefined || run === holder) return false
    return this.#displaced.get(device)?.includes(run) === true
  }

  /** `run` is connected now, and took the place of `old` if there was one. */
  enter(device: string, run: string | undefined, old: string | undefined): void {
    const others = (this.#displaced.get(device) ?? []).filter(other => other !== run && other !== old)
    const displaced = old === undefined || run === undefined || old === run ? others : [...others, old]
    this.#displaced.delete(device)
    if (displaced.length > 0) this.#displaced.set(device, displaced.slice(-mostRuns))
    if (this.#displaced.size > mostDevices) this.#forgetOldest()
  }

  forget(device: string): void {
    this.#displaced.delete(device)
  }

  #forgetOldest(): void {
    for (const oldest of this.#displaced.keys()) return void this.#displaced.delete(oldest)
  }
}
