import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimText, isStale, look, parseClaim, recordBytes, standardTimes, type Watch } from '../../src/cache/claim.ts'
import { isLockFree } from '../../src/cache/flock.ts'
import { breakLease, isAbandoned, readLease, takeLease } from '../../src/cache/lease.ts'
import { isDead, ownerOfThis } from '../../src/cache/owner.ts'
import { scratch } from './setup.ts'

const record = { token: 't', owner: 'elsewhere', seq: 3, bytesDone: 5, locked: false }
const never = (): boolean => false

test('a claim has one length and reads back, and half of one reads as none', () => {
  assert.equal(Buffer.byteLength(claimText(record)), recordBytes)
  assert.deepEqual(parseClaim(claimText(record)), record)
  assert.equal(parseClaim(claimText(record).slice(0, 30)), undefined)
})

const { staleMs, stuckMs, beatMs } = standardTimes
const rows: readonly { name: string; looks: readonly (readonly [ms: number, text: string])[]; now: number; stale: boolean }[] = [
  { name: 'that was just seen for the first time', looks: [[0, claimText(record)]], now: 0, stale: false },
  { name: 'that has been the same for a beat', looks: [[0, claimText(record)]], now: beatMs, stale: false },
  {
    name: 'that has been the same for too long',
    looks: [
      [0, claimText(record)],
      [50, claimText(record)],
    ],
    now: staleMs,
    stale: true,
  },
  {
    name: 'that moved meanwhile',
    looks: [
      [0, claimText(record)],
      [staleMs - 1, claimText({ ...record, seq: 4 })],
    ],
    now: staleMs,
    stale: false,
  },
  {
    name: 'that moves without getting a byte',
    looks: [
      [0, claimText(record)],
      [stuckMs - 1, claimText({ ...record, seq: 99 })],
    ],
    now: stuckMs,
    stale: true,
  },
  {
    name: 'that moves and gets bytes',
    looks: [
      [0, claimText(record)],
      [stuckMs - 1, claimText({ ...record, bytesDone: 6 })],
    ],
    now: stuckMs,
    stale: false,
  },
  { name: 'that cannot be read, for too long', looks: [[0, '']], now: staleMs, stale: true },
]

for (const { name, looks, now, stale } of rows) {
  test(`a claim ${name} is ${stale ? 'stale' : 'alive'}`, () => {
    let watch: Watch | undefined
    for (const [ms, text] of looks) watch = look(watch, text, ms)
    assert.ok(watch !== undefined)
    assert.equal(isStale(watch, now, standardTimes, never), stale)
  })
}

test('a claim of a process that is known to be dead is stale at once', () => {
  assert.ok(isStale(look(undefined, claimText(record), 0), 0, standardTimes, (owner) => owner === 'elsewhere'))
})

test('a process is dead when it has ended, also when its number is given out again; one elsewhere is never known to be', async () => {
  assert.equal(isDead(ownerOfThis()), false)
  assert.equal(isDead(ownerOfThis().replace(/\d+$/, '1')), true, 'another start time')
  assert.equal(isDead(`other-boot/pid:[1]/${process.pid}/1`), false)
  assert.equal(isDead('nonsense'), false)
  const child = spawn('true')
  const owner = ownerOfThis().replace(/\/\d+\/\d+$/, `/${child.pid}/1`)
  await once(child, 'exit')
  assert.equal(isDead(owner), true)
})

const desk = (directory: string, token: string) => ({ directory, token, owner: `owner of ${token}` })

test('takeLease() gives a lease to one of many, beats are seen, and release leaves nothing', async (t) => {
  const directory = await scratch(t)
  const leases = await Promise.all(Array.from({ length: 8 }, (_, index) => takeLease(desk(directory, `t${index}`), 'blob')))
  const [lease] = leases.filter((one) => one !== undefined)
  assert.ok(lease !== undefined)
  assert.equal(leases.filter((one) => one !== undefined).length, 1)
  assert.equal(await lease.beat(77), true)
  assert.equal(parseClaim((await readLease(desk(directory, 'other'), 'blob')) ?? '')?.bytesDone, 77)
  await lease.release()
  assert.deepEqual(await readdir(directory), [])
  assert.equal(await readLease(desk(directory, 'other'), 'blob'), undefined)
})

test('a holder whose claim was broken finds out at its next beat, and takes nothing from the next holder', async (t) => {
  const directory = await scratch(t)
  const paused = await takeLease(desk(directory, 'paused'), 'blob')
  const text = (await readLease(desk(directory, 'next'), 'blob')) ?? ''
  await breakLease(desk(directory, 'next'), 'blob', text)
  const next = await takeLease(desk(directory, 'next'), 'blob')
  assert.equal(await paused?.beat(1), false)
  await paused?.release()
  assert.equal(await next?.beat(2), true)
  assert.deepEqual((await readdir(directory)).sort(), ['.blob.next', 'blob'])
  await next?.release()
})

// A container that was killed and is started again sees other process ids: it waited 90 seconds for itself.
test('a claim whose holder was killed is abandoned at once where the volume is of this kernel, whatever namespace the holder was in', async (t) => {
  const directory = await scratch(t)
  const program = `const { takeLease } = await import(${JSON.stringify(new URL('../../src/cache/lease.ts', import.meta.url).href)})
    const lease = await takeLease({ directory: ${JSON.stringify(directory)}, token: 'killed', owner: 'another namespace' }, 'blob')
    setInterval(() => lease.beat(1), 1000)
    process.stdout.write('held')`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  const other = desk(directory, 'other')
  const text = (await readLease(other, 'blob')) ?? ''
  assert.equal(await isAbandoned(other, 'blob', text), false)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const { locked } = parseClaim(text) ?? {}
  if (!locked) t.diagnostic(`${directory} is on a file system of a network or unknown: there it takes ${standardTimes.staleMs} ms`)
  assert.equal(await isAbandoned(other, 'blob', text), locked)
})

// A pull beside another ended as a bug of ours: the other gave its claim back between the opening and the look at the file system.
test('a claim that is given back while it is looked at is no error', async (t) => {
  const path = join(await scratch(t), 'blob')
  await writeFile(path, claimText(record))
  const handle = await open(path, 'r')
  await rm(path)
  assert.equal(typeof (await isLockFree(handle, path)), 'boolean')
  await handle.close()
})

test('a claim without a lock is never known to be abandoned', async (t) => {
  const directory = await scratch(t)
  await writeFile(join(directory, 'blob'), claimText(record))
  assert.equal(await isAbandoned(desk(directory, 'other'), 'blob', claimText(record)), false)
})

test('breakLease() puts back a claim that has moved since it was looked at', async (t) => {
  const directory = await scratch(t)
  const holder = await takeLease(desk(directory, 'holder'), 'blob')
  const text = (await readLease(desk(directory, 'other'), 'blob')) ?? ''
  await holder?.beat(1)
  await breakLease(desk(directory, 'other'), 'blob', text)
  assert.equal(await holder?.beat(2), true)
  assert.deepEqual((await readdir(directory)).sort(), ['.blob.holder', 'blob'])
  await holder?.release()
})

test('a beat that cannot be written now is neither held nor lost', async (t) => {
  const directory = await scratch(t)
  const holder = await takeLease(desk(directory, 'holder'), 'blob')
  await rm(join(directory, 'blob'))
  await writeFile(join(directory, 'blob'), 'another inode')
  assert.equal(await holder?.beat(1), false)
  await rm(directory, { recursive: true })
  await writeFile(directory, 'a file where the directory was: ENOTDIR')
  assert.equal(await holder?.beat(1), undefined)
  assert.equal(await readFile(directory, 'utf8'), 'a file where the directory was: ENOTDIR')
  await holder?.release()
})
