// A machine of its own as far as the network goes: a namespace, and what runs in it.
import { spawnSync } from 'node:child_process'
import { type Child, run } from '../process.js'

export class Host {
  #devices = 0

  constructor(readonly namespace: string) {
    must('ip', 'netns', 'add', namespace)
    this.ip('link', 'set', 'lo', 'up')
    // Nothing is to pass but what was sent on purpose.
    this.exec('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1')
  }

  /** The command that runs the rest here. Unlike `ip netns exec` it leaves /sys alone, which a Docker Engine needs. */
  get prefix(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace}`, '--']
  }

  nextDevice(): string {
    return `eth${this.#devices++}`
  }

  run(command: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const [program = '', ...args] = [...this.prefix, ...command]
    return run(program, args, env)
  }

  /** What a command prints that must end well. */
  exec(...command: readonly string[]): string {
    return must(...this.prefix, ...command)
  }

  ip(...args: readonly string[]): string {
    return must('ip', '-n', this.namespace, ...args)
  }

  /** Passes packets on. Of what comes in `outside` only what belongs to a connection from `inside`, under its own address; it answers nobody itself. */
  guardAndTranslate(inside: string, outside: string): void {
    this.forward()
    const rules = [
      '-P INPUT DROP',
      '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      '-P FORWARD DROP',
      `-A FORWARD -i ${inside} -o ${outside} -j ACCEPT`,
      `-A FORWARD -i ${outside} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
      `-t nat -A POSTROUTING -o ${outside} -j MASQUERADE`,
    ]
    for (const rule of rules) this.exec('iptables', ...rule.split(' '))
  }

  forward(): void {
    this.exec('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  }
}

function must(...command: readonly string[]): string {
  const [program = '', ...args] = command
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}
