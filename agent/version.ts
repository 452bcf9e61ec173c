// The agent's version, as it stands in package.json; a constant, so that a bundled agent needs no other file.

export const agentVersion = '0.1.0'
