// What a spawn costs in Node when nothing else is done: argv is the program and its words.
import { spawn } from 'node:child_process'

const [, , file, ...words] = process.argv
spawn(file, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
