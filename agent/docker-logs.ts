// What containers have written, read from the Engine no faster than somebody takes it.
import type Docker from 'dockerode'
import { appLabel, composeLabels } from './core/labels.js'
import { batchPieces, createFrameCutter, createTerminalCutter, type LogBatch, sinceOf } from './core/log-pieces.js'
import type { LogQuery, LogSource } from './engine.js'
import { engineError, statusOf } from './engine-errors.js'

export async function listLogSources(docker: Docker, app: string): Promise<LogSource[]> {
  const listed = await docker.listContainers({ all: true, filters: { label: [`${appLabel}=${app}`] } })
  return listed
    .filter(({ Labels }) => Labels[composeLabels.oneoff] !== 'True')
    .map(({ Id, Labels, State }) => ({
      id: Id,
      service: Labels[composeLabels.service] ?? '',
      number: Number(Labels[composeLabels.number] ?? 1),
      running: State === 'running',
    }))
    .sort((one, other) => (one.service < other.service ? -1 : one.service > other.service ? 1 : one.number - other.number))
}

/** A container that is gone has written nothing more. Ends quietly by `signal`. */
export async function* readLog(docker: Docker, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogBatch> {
  try {
    const { Config } = await docker.getContainer(query.id).inspect()
    const stream = await openLog(docker, query, signal)
    const cut = Config.Tty ? createTerminalCutter() : createFrameCutter()
    const { timestamps, after } = query
    for await (const chunk of stream) yield* batchPieces(cut(Buffer.from(chunk)), { timestamps, after })
  } catch (error) {
    if (signal.aborted || statusOf(error) === 404) return
    throw engineError(error)
  }
}

/** dockerode's own `logs` gathers everything in memory unless it follows. */
function openLog(docker: Docker, { id, follow, tail, sinceS, after }: LogQuery, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
  const since = after === '' ? sinceS : sinceOf(after)
  const options = {
    stdout: true,
    stderr: true,
    timestamps: true,
    follow,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
  }
  const statusCodes = { 200: true, 404: 'no such container', 500: 'server error', 501: 'not implemented' }
  const dial = { path: `/containers/${id}/logs?`, method: 'GET', isStream: true, abortSignal: signal, statusCodes, options }
  return new Promise((resolve, reject) => {
    docker.modem.dial(dial, (error, stream) => {
      if (error) reject(error)
      else resolve(stream as NodeJS.ReadableStream)
    })
  })
}
