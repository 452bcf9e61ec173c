// What a device says of itself in its birth.
import { readFileSync } from 'node:fs'
import { arch, cpus, hostname, networkInterfaces, release, totalmem, type } from 'node:os'
import type { Facts } from '../protocol/messages/status.js'

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

export function readFacts(own: { name: string | undefined; agentVersion: string; engineVersion: string }): Facts {
  return {
    name: own.name ?? hostname(),
    addresses: ownAddresses(),
    os: osName(readText('/etc/os-release')) ?? `${type()} ${release()}`,
    architecture: architectures[arch()] ?? arch(),
    processor: processorName(readText('/proc/cpuinfo')) ?? cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    engineVersion: own.engineVersion,
    agentVersion: own.agentVersion,
  }
}

/** Addresses that others may reach, IPv4 first; container networks' bridges say nothing about the device. */
export function ownAddresses(): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, list]) => (/^(docker|br-|veth)/.test(name) ? [] : (list ?? [])))
  const outer = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return outer
    .sort((a, b) => (a.family < b.family ? -1 : a.family > b.family ? 1 : 0))
    .map(({ address }) => address)
    .slice(0, 16)
}

/** PRETTY_NAME of /etc/os-release. */
export function osName(text: string): string | undefined {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1]?.trim()
  return value?.replace(/^(["'])(.*)\1$/, '$2')
}

/** `model name` on x86, `Model` or `Hardware` on boards. */
export function processorName(text: string): string | undefined {
  for (const key of ['model name', 'Model', 'Hardware', 'cpu model']) {
    const value = new RegExp(`^${key}\\s*:\\s*(.+)$`, 'm').exec(text)?.[1]
    if (value !== undefined) return value.trim()
  }
  return undefined
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
