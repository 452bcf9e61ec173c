#!/usr/bin/env node
// The skerry command.
import { runProgram } from './program.js'
import { createShell } from './shell.js'

process.exitCode = await runProgram(createShell(), process.argv.slice(2))
