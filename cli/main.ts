#!/usr/bin/env node
// The skerry command.
process.exitCode = 2
