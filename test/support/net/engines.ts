// Many Docker Engines on one host: real ones, that share a containerd, and end with the host.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureTestImage } from '../busybox.js'
import { dockerOn } from '../docker.js'
import type { Child } from '../process.js'
import { eventually } from '../within.js'
import type { Host } from './host.js'
import type { Lab } from './lab.js'

/** Addresses of engines with the test image. Containers on the `host` network are on this host, and end with it. */
export async function startEngines(lab: Lab, host: Host, count: number): Promise<readonly string[]> {
  const folder = join(lab.folder, 'engines')
  mkdirSync(folder)
  writeFileSync(join(folder, 'containerd.toml'), containerdSettings(folder))
  const names = Array.from({ length: count }, (_, n) => `e${n}`)
  const all = [`containerd --config ${folder}/containerd.toml`, ...names.map(name => daemon(folder, name, lab.controlGroup()))]
  // What they mount is theirs alone, and gone with the last of them.
  const script = [...all.map(command => `${command} >>${folder}/log 2>&1 &`), 'wait'].join('\n')
  const child = host.run(['unshare', '--mount', 'sh', '-c', script])
  const addresses = names.map(name => `unix://${folder}/${name}.sock`)
  for (const address of addresses) await eventually(60_000, `the engine ${address}`, () => answers(address, child))
  for (const address of addresses) ensureTestImage(undefined, address)
  return addresses
}

function answers(address: string, { lines }: Child): boolean {
  try {
    return dockerOn(address, 'info') !== ''
  } catch {
    if (lines.length > 0) throw new Error(lines.join('\n'))
    return false
  }
}

/** Whether an engine has a container of this name that runs. */
export function runningOn(address: string, container: string): boolean {
  const { status, stdout } = spawnSync('docker', ['-H', address, 'inspect', '-f', '{{.State.Running}}', container], { encoding: 'utf8' })
  return status === 0 && stdout.trim() === 'true'
}

function containerdSettings(folder: string): string {
  return `version = 2
root = "${folder}/containerd"
state = "${folder}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${folder}/containerd.sock"
`
}

function daemon(folder: string, name: string, group: string): string {
  const at = `${folder}/${name}`
  return [
    `dockerd -H unix://${at}.sock --data-root ${at} --exec-root ${at}-exec --pidfile ${at}.pid`,
    '--bridge none --iptables=false --ip-masq=false --ip-forward=false',
    `--cgroup-parent /${group} --containerd ${folder}/containerd.sock`,
    `--containerd-namespace ${name} --containerd-plugins-namespace ${name}-plugins`,
  ].join(' ')
}
