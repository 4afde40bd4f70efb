/** Edge: runs amd-smi, which may take seconds on a sleeping card and may hang for ever on a sick one. */
import { spawn } from 'node:child_process'
import type { Read } from '../std/result.ts'

/** A healthy one takes one to three seconds, fifteen were seen with sixteen dies; milliseconds. */
const limitMs = 10_000

/** More than a list of 64 partitions takes; bytes. */
const largest = 4 * 1024 * 1024

/** What amd-smi needs of our environment; the rest, secrets above all, is none of its business. */
const passed = ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'ROCM_PATH', 'LANG']

/**
 * Runs `amd-smi` with these words and gives its stdout. Answers ENOENT when there is none, ETIMEDOUT after the limit, EFBIG when it talks
 * without end, EIO when it fails. After that it is killed and not waited for: in an uninterruptible sleep it does not end.
 */
export const runAmdSmi = (words: readonly string[], limit = limitMs): Promise<Read<string>> =>
  new Promise((resolve) => {
    const env = Object.fromEntries(passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
    const child = spawn('amd-smi', [...words], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...env, PATH: `${env.PATH ?? ''}:/opt/rocm/bin` },
    })
    let text = ''
    const end = (answer: Read<string>): void => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      child.stdout.destroy()
      child.unref()
      resolve(answer)
    }
    const timer = setTimeout(() => end({ ok: false, code: 'ETIMEDOUT' }), limit)
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.length > largest) end({ ok: false, code: 'EFBIG' })
    })
    child.once('error', (error) => end({ ok: false, code: 'code' in error ? String(error.code) : 'EIO' }))
    child.once('close', (code) => end(code === 0 ? { ok: true, value: text } : { ok: false, code: 'EIO' }))
  })
