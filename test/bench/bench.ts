/** Runs one bench: `npm run bench [NAME] [ARGUMENTS]`. Each measures beside a baseline in the same run, prints a table and asserts nothing. */
const benches = {
  start: 'from exec to the spawn of the engine, and memory at rest, beside a bare Node',
  orphans: 'a burst and a storm of orphans, beside tini and dumb-init',
  'log-flood': 'an engine that floods its log, beside the same engine into cat',
  fit: 'what the fit says of published start-ups against their logs, and a choice among 10,000 profiles beside one among ten',
  inventory: 'the inventory of 8 and of 64 GPUs, beside a bare read of the same files',
  pull: 'a pull of 4 GiB, beside aria2c, curl and huggingface_hub, also with latency; a cache that is ready',
  stop: 'from SIGTERM to the exit, and from a crash to the next engine, beside what the engine takes itself',
} as const

const name = process.argv[2] ?? 'start'
if (name in benches) await import(`./${name}.ts`)
else {
  const lines = Object.entries(benches).map(([known, says]) => `  ${known}: ${says}\n`)
  process.stderr.write(`there is no bench ${name}:\n${lines.join('')}`)
  process.exit(2)
}
