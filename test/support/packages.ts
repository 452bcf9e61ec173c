// The programs that tests need beside Node: installed where they are missing, as root on Debian and Ubuntu.
import { access, rm, writeFile } from 'node:fs/promises'
import { installPackages } from '../../cli/apt.js'
import { findProgram } from '../../cli/system.js'

const programs = {
  mosquitto: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  busybox: 'busybox-static',
  ip: 'iproute2',
  iptables: 'iptables',
  sysctl: 'procps',
  socat: 'socat',
  tcpdump: 'tcpdump',
} as const
/** Asked by package scripts before they start a service; 101 means "do not" (invoke-rc.d(8)). */
const policyFile = '/usr/sbin/policy-rc.d'

/** Installs without starting any service: a mosquitto that runs would keep port 1883. */
export async function ensurePrograms(say: (line: string) => void): Promise<void> {
  const missing: string[] = []
  for (const [program, name] of Object.entries(programs)) if ((await findProgram(program)) === undefined) missing.push(name)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) throw new Error(`tests need programs that are missing; run: sudo apt-get install -y ${missing.join(' ')}`)
  const ours = await access(policyFile).then(
    () => false,
    () => true,
  )
  if (ours) await writeFile(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await installPackages(missing, say)
  } finally {
    if (ours) await rm(policyFile, { force: true })
  }
}
