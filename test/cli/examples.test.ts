// Every command that the help and the README show is one that the program takes.
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildProgram } from '../../cli/program.js'
import type { Shell } from '../../cli/shell.js'
import { createPaint } from '../../cli/table.js'

const test = suite('cli: examples')

interface TestShell extends Shell {
  readonly lines: string[]
}

function testShell(): TestShell {
  const lines: string[] = []
  return {
    lines,
    print: text => void lines.push(text),
    say: text => void lines.push(text),
    readInput: async () => '',
    ask: async () => '',
    env: { HOME: '/nowhere' },
    paint: createPaint(false),
    signal: new AbortController().signal,
  }
}

/** The words of a shell line that follow `skerry`, up to a pipe, redirection or comment. */
function wordsOf(line: string): string[] {
  const command = /\bskerry (.*)$/.exec(line)?.[1] ?? ''
  const words = command.split(/\s+[|<#>]/)[0] ?? ''
  return words.split(/\s+/).filter(word => word !== '')
}

/** Resolves once an action would begin; throws what the program has against the line. */
async function takes(words: readonly string[]): Promise<void> {
  const reached = new Error('reached')
  const program = await buildProgram(testShell(), words)
  program.hook('preAction', () => {
    throw reached
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    throw new Error('nothing to run')
  } catch (error) {
    if (error !== reached) throw new Error(`skerry ${words.join(' ')}: ${error}`)
  }
}

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)]
}

function helpOf(command: Command, shell: TestShell): string {
  shell.lines.length = 0
  command.outputHelp()
  return shell.lines.join('\n')
}

test('every command has a description and examples, and each example is taken', async () => {
  const shell = testShell()
  for (const command of commandsOf(await buildProgram(shell))) {
    const help = helpOf(command, shell)
    assert.ok(command.description() !== '', command.name())
    const examples = help.split('\n').filter(line => line.startsWith('  $ '))
    assert.ok(examples.length > 0, `examples of ${command.name()}`)
    for (const example of examples) await takes(wordsOf(example))
  }
})

test('every command in the README is taken', async () => {
  const lines = readFileSync('README.md', 'utf8')
    .split('\n')
    .filter(line => line.startsWith('    npx skerry '))
  assert.ok(lines.length > 10)
  for (const line of lines) await takes(wordsOf(line))
})

test.run()
