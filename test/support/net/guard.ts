// Undoes what a test has made on this machine once the test is over, however it ends: well, by a fault, or by SIGKILL.
import { type ChildProcess, spawn } from 'node:child_process'

/** Waits for the end of what it reads, and removes what it has read of: namespaces with all that runs in them, control groups, folders. */
const script = `
made=$(cat)
each() { echo "$made" | sed -n "s/^$1 //p"; }
for name in $(each net); do
  for try in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(ip netns pids "$name") && [ -n "$pids" ] || break
    kill -9 $pids
    sleep 0.1
  done
  ip netns delete "$name"
done
for name in $(each cgroup); do find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} +; done
for path in $(each folder); do rm -rf --one-file-system "$path"; done
`

export class Guard {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  constructor() {
    // In a session of its own, so that what ends the test's group of processes leaves it alone.
    this.#child = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    this.#ended = new Promise(resolve => this.#child.once('close', () => resolve()))
    this.#child.unref()
  }

  /** Said before it is made, as the test may end in between. */
  note(kind: 'net' | 'cgroup' | 'folder', name: string): void {
    this.#child.stdin?.write(`${kind} ${name}\n`)
  }

  /** Removes everything now. */
  async act(): Promise<void> {
    this.#child.ref()
    this.#child.stdin?.end()
    await this.#ended
  }
}
