// What a device measures of itself for a heartbeat: a few small files of /proc and /sys, no processes.
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { loadavg, uptime } from 'node:os'
import type { Metrics } from './core/heartbeat.js'

/** Counters of /proc/stat: jiffies of all cores since boot. */
export interface CpuTimes {
  readonly busy: number
  readonly total: number
}

/** Measures again and again: processor use is that since the last measurement. */
export function createMeter(folder: string): () => Metrics {
  let last = cpuTimes(readText('/proc/stat'))
  return () => {
    const times = cpuTimes(readText('/proc/stat'))
    const cpuPermille = cpuUse(last, times)
    last = times
    return {
      uptimeS: Math.floor(uptime()),
      cpuPermille,
      memoryUsedMiB: memoryUsedMiB(readText('/proc/meminfo')),
      diskUsedPermille: diskUsedPermille(folder),
      loadCentis: Math.round((loadavg()[0] ?? 0) * 100),
      temperatureDeci: temperatureDeci(),
    }
  }
}

/** When the device was started, wall-clock ms. */
export function bootedAtMs(): number {
  const seconds = /^btime (\d+)$/m.exec(readText('/proc/stat'))?.[1]
  return seconds === undefined ? 0 : Number(seconds) * 1000
}

/** Another one after each boot. */
export function readBootId(): string {
  return readText('/proc/sys/kernel/random/boot_id').trim()
}

/** From the first line of /proc/stat: user nice system idle iowait irq softirq steal. */
export function cpuTimes(stat: string): CpuTimes {
  const times = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').slice(0, 8).map(Number)
  const total = times.reduce((sum, time) => sum + time, 0)
  return { total, busy: total - (times[3] ?? 0) - (times[4] ?? 0) }
}

export function cpuUse(before: CpuTimes, after: CpuTimes): number {
  const elapsed = after.total - before.total
  return elapsed <= 0 ? 0 : Math.min(1000, Math.max(0, Math.round(((after.busy - before.busy) / elapsed) * 1000)))
}

/** Total less available, of /proc/meminfo. */
export function memoryUsedMiB(meminfo: string): number {
  const kib = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0)
  return Math.max(0, Math.round((kib('MemTotal') - kib('MemAvailable')) / 1024))
}

function diskUsedPermille(folder: string): number {
  try {
    const { blocks, bavail } = statfsSync(folder)
    return blocks === 0 ? 0 : Math.round(((blocks - bavail) / blocks) * 1000)
  } catch {
    return 0
  }
}

/** The hottest of the zones of /sys/class/thermal; null where there is none. */
function temperatureDeci(): number | null {
  const zones = list('/sys/class/thermal').filter(name => name.startsWith('thermal_zone'))
  const readings = zones.map(zone => readText(`/sys/class/thermal/${zone}/temp`).trim()).filter(text => /^-?\d+$/.test(text))
  return readings.length === 0 ? null : Math.round(Math.max(...readings.map(Number)) / 100)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
