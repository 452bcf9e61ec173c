// The agent alone, for a bundled build: reads its settings from the environment, runs until a signal or its release.
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { SkerryError } from '../protocol/errors.js'
import { defaultRoot } from '../protocol/topics.js'
import { type AgentOptions, startAgent } from './agent.js'

function settings(env: NodeJS.ProcessEnv): AgentOptions {
  const broker = {
    url: env.SKERRY_SERVER ?? 'mqtt://127.0.0.1:1883',
    username: env.SKERRY_MQTT_USERNAME,
    password: env.SKERRY_MQTT_PASSWORD,
    ca: env.SKERRY_MQTT_CA === undefined ? undefined : readFileSync(env.SKERRY_MQTT_CA),
  }
  return {
    folder: env.SKERRY_STATE ?? '/var/lib/skerry/agent',
    root: env.SKERRY_ROOT ?? defaultRoot,
    engine: env.SKERRY_ENGINE ?? '/var/run/docker.sock',
    broker,
    log: pino({ name: 'skerry-agent', level: env.SKERRY_LOG ?? 'info' }),
    ...(env.SKERRY_NAME === undefined ? {} : { name: env.SKERRY_NAME }),
    ...(env.SKERRY_INTERVAL === undefined ? {} : { intervalS: interval(env.SKERRY_INTERVAL) }),
  }
}

function interval(text: string): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400) return seconds
  throw new SkerryError('config.invalid', `SKERRY_INTERVAL is ${text}: give whole seconds, 1 to 86400`)
}

async function run(): Promise<void> {
  const agent = await startAgent(settings(process.env))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void agent.stop('Stopped').then(() => process.exit(0)))
  const mode = await agent.released
  process.stderr.write(`This device has been released from its fleet; its apps were ${mode === 'keep' ? 'left as they are' : 'removed'}.\n`)
  process.exit(0)
}

run().catch((error: unknown) => {
  const text = error instanceof SkerryError ? `${error.code}: ${error.message}` : String(error)
  process.stderr.write(`${text}\n`)
  process.exit(error instanceof SkerryError && error.kind === 'invalid' ? 2 : 1)
})
