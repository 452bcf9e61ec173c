// Makes sure that a Docker Engine answers: installs and starts it where that is allowed and possible.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { SkerryError } from '../protocol/errors.js'
import { installPackages } from './apt.js'
import { openEngine, socketPathOf } from './engine-api.js'
import { decideEngine, type EngineFacts, enginePackages, readSystems } from './engine-decision.js'
import { CommandFailure } from './errors.js'
import { removeLeftovers } from './leftovers.js'
import { findProgram, isThere, run, runDetached } from './system.js'

export interface EnsureEngineOptions {
  /** An address of the Engine; see `openEngine`. */
  readonly engine: string
  /** Whether to install and start one. */
  readonly install: boolean
  /** File for the output of a `dockerd` that is started here. */
  readonly logFile: string
  readonly say: (line: string) => void
}

export interface EnsuredEngine {
  /** Process id of the `dockerd` that was started here; undefined if it ran before or systemd runs it. */
  readonly pid: number | undefined
}

const startLimitMs = 60_000
const serviceLimitMs = 5000
const usualSockets = ['/var/run/docker.sock', '/run/docker.sock']

/** Throws `engine.unavailable` with the command to run if there is no engine and none may be installed. */
export async function ensureEngine({ engine, install, logFile, say }: EnsureEngineOptions): Promise<EnsuredEngine> {
  const action = decideEngine(await lookAround(engine, install))
  if (action.do === 'nothing') return { pid: undefined }
  if (action.do === 'refuse') {
    const refusal = { code: 'engine.unavailable', message: `${action.reason}: ${engine} does not answer` } as const
    throw new CommandFailure(1, refusal, `run: ${action.command}`)
  }
  say(`no Docker Engine answers at ${engine}`)
  if (action.install) {
    await installPackages(enginePackages, say)
    // The package starts its service itself where the system has any way to.
    if (await answersWithin(engine, serviceLimitMs)) return { pid: undefined }
  }
  const pid = action.start === 'systemctl' ? await startService(say) : await startDaemon(logFile, say)
  if (await answersWithin(engine, startLimitMs, () => hasEnded(pid))) return { pid }
  const what = hasEnded(pid) ? 'ended after its start' : `does not answer ${startLimitMs / 1000} s after its start`
  throw new SkerryError('engine.unavailable', `the Docker Engine ${what}${await lastWords(pid, logFile)}`)
}

async function lookAround(engine: string, allowed: boolean): Promise<EngineFacts> {
  const fault = await faultOf(engine)
  const [osRelease, dockerd, systemd] = await Promise.all([
    readFile('/etc/os-release', 'utf8').catch(() => ''),
    findProgram('dockerd'),
    isThere('/run/systemd/system'),
  ])
  return {
    answers: fault === undefined,
    denied: fault === 'EACCES' || fault === 'EPERM',
    local: usualSockets.includes(socketPathOf(engine) ?? ''),
    root: process.getuid?.() === 0,
    systems: readSystems(osRelease),
    installed: dockerd !== undefined,
    systemd,
    allowed,
  }
}

/** Why the engine does not answer; undefined if it does. */
async function faultOf(engine: string): Promise<string | undefined> {
  try {
    await openEngine(engine).ping()
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}

async function startService(say: (line: string) => void): Promise<undefined> {
  say('starting: systemctl start docker')
  const { code, output } = await run('systemctl', ['start', 'docker'])
  if (code !== 0) throw new SkerryError('engine.unavailable', `systemctl start docker failed: ${output.trim()}`)
}

async function startDaemon(logFile: string, say: (line: string) => void): Promise<number> {
  await removeLeftovers(say)
  const dockerd = (await findProgram('dockerd')) ?? 'dockerd'
  say(`starting: ${dockerd} (its log: ${logFile})`)
  return runDetached(dockerd, [], logFile)
}

async function answersWithin(engine: string, limitMs: number, isOver = (): boolean => false): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; ) {
    if ((await faultOf(engine)) === undefined) return true
    if (isOver()) return false
    await delay(250)
  }
  return false
}

/** Whether a process that was started here has ended; Node has seen to it that it is no zombie. */
function hasEnded(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

async function lastWords(pid: number | undefined, logFile: string): Promise<string> {
  if (pid === undefined) return '; see journalctl -u docker'
  const log = await readFile(logFile, 'utf8').catch(() => '')
  return `:\n${log.trim().split('\n').slice(-5).join('\n')}`
}
