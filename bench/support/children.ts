// Starting the processes of a benchmark and talking with them.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ask } from './ask.js'
import type { FleetAnswer, FleetOrder } from './fleet-process.js'
import type { ServerAnswer } from './server-process.js'

function start(program: string): ChildProcess {
  return fork(fileURLToPath(new URL(program, import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

function answerOf<T extends { readonly kind: string }, K extends T['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<T, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const listen = (message: unknown) => {
      const answer = message as T
      if (answer.kind !== kind) return
      child.off('message', listen)
      child.off('exit', fail)
      resolve(answer as Extract<T, { kind: K }>)
    }
    const fail = (code: number | null) => reject(new Error(`a process of the benchmark ended with ${code} before it answered ${kind}`))
    child.on('message', listen)
    child.once('exit', fail)
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => child.once('exit', () => resolve()))
}

export class BenchServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly mqttPort: number,
    readonly url: string,
  ) {}

  static async start(): Promise<BenchServer> {
    const child = start('./server-process.js')
    const { mqttPort, url } = await answerOf<ServerAnswer, 'listening'>(child, 'listening')
    return new BenchServer(child, mqttPort, url)
  }

  /** Waits until so many devices are Ready: births arrive in the manager after their acknowledgement. */
  async untilReady(devices: number): Promise<void> {
    for (const end = performance.now() + 60_000; performance.now() < end; await new Promise(resolve => setTimeout(resolve, 200))) {
      const stats = (await (await ask(`${this.url}/api/v1/stats`)).json()) as { devices: { ready: number } }
      if (stats.devices.ready >= devices) return
    }
    throw new Error(`${devices} devices were not Ready within 60 s`)
  }

  usage(): Promise<{ rssBytes: number; cpuMs: number }> {
    const answer = answerOf<ServerAnswer, 'memory'>(this.child, 'memory')
    this.child.send('memory')
    return answer
  }

  async stop(): Promise<void> {
    this.child.send('end')
    await ended(this.child)
  }
}

export class BenchFleet {
  private readonly child = start('./fleet-process.js')

  /** Gives an order and waits for its answer. */
  ask<K extends FleetAnswer['kind']>(order: FleetOrder, kind: K): Promise<Extract<FleetAnswer, { kind: K }>> {
    const answer = answerOf<FleetAnswer, K>(this.child, kind)
    this.child.send(order)
    return answer
  }

  /** An answer that comes later. */
  hear<K extends FleetAnswer['kind']>(kind: K): Promise<Extract<FleetAnswer, { kind: K }>> {
    return answerOf<FleetAnswer, K>(this.child, kind)
  }

  async stop(): Promise<void> {
    this.child.send({ kind: 'end' } satisfies FleetOrder)
    await ended(this.child)
  }
}
