// Two network namespaces with a cable between them, as two machines have it; and what passes on the cable. Needs root.
import { spawnSync } from 'node:child_process'
import { type Child, run } from './process.js'

export interface Machine {
  readonly address: string
  /** The command that runs the rest in this namespace. */
  readonly prefix: readonly string[]
}

export class Cable {
  readonly one: Machine
  readonly other: Machine
  readonly #names: readonly [string, string]

  private constructor(name: string) {
    this.#names = [`${name}a`, `${name}b`]
    this.one = { address: '10.213.7.1', prefix: ['ip', 'netns', 'exec', this.#names[0]] }
    this.other = { address: '10.213.7.2', prefix: ['ip', 'netns', 'exec', this.#names[1]] }
  }

  /** Undefined where nobody may make namespaces. `name` has at most 10 characters. */
  static lay(name: string): Cable | undefined {
    const cable = new Cable(name)
    const [one, other] = cable.#names
    if (spawnSync('ip', ['netns', 'add', one]).status !== 0) return undefined
    try {
      ip('netns', 'add', other)
      ip('-n', one, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', other)
      for (const [namespace, { address }] of [[one, cable.one] as const, [other, cable.other] as const]) {
        ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'cable')
        for (const device of ['lo', 'cable']) ip('-n', namespace, 'link', 'set', device, 'up')
      }
      return cable
    } catch (error) {
      cable.remove()
      throw error
    }
  }

  /** Writes everything that passes at the first end to a file, from when this resolves until the process ends by SIGINT. */
  async capture(file: string): Promise<Child> {
    // At once: by default what came within the last second is still the kernel's when the process ends, and lost.
    const tcpdump = this.run(this.one, ['tcpdump', '-i', 'cable', '-w', file, '--immediate-mode', '-U', '-s', '0', '-Z', 'root'])
    await tcpdump.line(/listening on cable/)
    return tcpdump
  }

  run({ prefix }: Machine, command: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const [program = '', ...args] = [...prefix, ...command]
    return run(program, args, env)
  }

  /** Ends with the processes in them. */
  remove(): void {
    for (const name of this.#names) spawnSync('ip', ['netns', 'delete', name])
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}
