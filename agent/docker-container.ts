// What is done with one container: making it, putting files into it, running hooks in it.
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Hook } from '../protocol/compose/parts.js'
import { SkerryError } from '../protocol/errors.js'
import type { Connection, PlacedContent, StepArgs } from './core/step.js'
import { statusOf } from './engine-errors.js'
import { fileEntry, writeTar } from './tar.js'

/** A container whose networks could not all be joined is removed again: half of one is none. */
export async function createContainer(docker: Docker, { name, body, connect, platform }: StepArgs['create']): Promise<string> {
  const query = platform === undefined ? { name } : { name, platform }
  const container = await docker.createContainer({ _query: query, _body: body } as unknown as Docker.ContainerCreateOptions)
  try {
    for (const connection of connect) await join(docker, container.id, connection)
    return container.id
  } catch (error) {
    await container.remove({ force: true, v: true }).catch(() => undefined)
    throw error
  }
}

async function join(docker: Docker, id: string, { network, endpoint }: Connection): Promise<void> {
  await docker.getNetwork(network).connect({ Container: id, EndpointConfig: endpoint as Docker.EndpointSettings })
}

/** One archive, so that either all are there or the start fails. */
export async function placeFiles(docker: Docker, id: string, files: readonly PlacedContent[]): Promise<void> {
  const entries = files.map(({ target, content, mode, uid, gid }) => fileEntry(target.replace(/^\/+/, ''), content, { mode, uid, gid }))
  await docker.getContainer(id).putArchive(Readable.from(writeTar(entries)), { path: '/' })
}

/** Waits for its end. Throws `service.exited` unless that is 0. */
export async function runHook(docker: Docker, id: string, hook: Hook): Promise<void> {
  const exec = await docker.getContainer(id).exec({
    Cmd: [...hook.command],
    Env: Object.entries(hook.environment).map(([name, value]) => `${name}=${value}`),
    ...(hook.user === undefined ? {} : { User: hook.user }),
    ...(hook.privileged === undefined ? {} : { Privileged: hook.privileged }),
    ...(hook.workingDir === undefined ? {} : { WorkingDir: hook.workingDir }),
    AttachStdout: true,
    AttachStderr: true,
  })
  const stream = await exec.start({})
  stream.resume()
  await new Promise<void>((resolve, reject) => stream.once('close', resolve).once('end', resolve).once('error', reject))
  const { ExitCode } = await exec.inspect()
  if (ExitCode !== 0) throw new SkerryError('service.exited', `the hook ${hook.command.join(' ')} ended with exit code ${ExitCode}`)
}

export async function removeContainer(docker: Docker, id: string, volumes: boolean): Promise<void> {
  try {
    await docker.getContainer(id).remove({ v: volumes })
  } catch (error) {
    const underway = statusOf(error) === 409 && /already in progress/.test(String(error))
    if (statusOf(error) !== 404 && !underway) throw error
  }
}
