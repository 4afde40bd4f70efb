import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTopology } from '../../src/hardware/kfd.ts'
import { createGpuWatch } from '../../src/serve/gpu-watch.ts'
import { createMetrics, type Figures } from '../../src/telemetry/metrics.ts'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { inMemory, over, patient } from '../fixtures/hardware/tree.ts'

const device = '/sys/devices/pci0000:00/0000:11:00.0'

const tree = over(mi300x(2), {
  files: {
    [`${device}/gpu_busy_percent`]: '50\n',
    [`${device}/ras/umc_err_count`]: 'ue: 0\nce: 2\n',
    [`${device}/hwmon/hwmon3/temp2_input`]: '60000\n',
    '/proc/70/fdinfo/5': 'drm-driver:\tamdgpu\ndrm-client-id:\t3\ndrm-pdev:\t0000:11:00.0\ndrm-memory-vram:\t100 MiB\n',
  },
  links: { '/proc/70/fd/5': '/dev/dri/renderD128' },
})

const gpus = readTopology(inMemory(tree).fs).gpus.map((gpu, index) => ({ index, ...gpu }))

const drm = '/sys/class/drm/renderD128/device'

const counting = () => {
  const files = patient(tree)
  const calls: string[] = []
  const readText = (path: string) => {
    calls.push(path)
    return files.readText(path)
  }
  return { calls, files: { ...files, readText } }
}

test('createGpuWatch() tells what ours and others hold, and counts errors', async () => {
  const [first, second] = await createGpuWatch({ files: patient(tree), gpus: () => gpus, pids: async () => [70], now: () => 0 })()
  assert.deepEqual([first?.heldBytes, second?.heldBytes], [100 * 2 ** 20, 0])
  assert.deepEqual([first?.ras, second?.ras], [[{ block: 'umc', correctable: 2, uncorrectable: 0 }], []])
})

test('createGpuWatch() asks for counts and holders every thirty seconds, for the rest each time, and once for all who wait', async () => {
  const { calls, files } = counting()
  let now = 0
  const watch = createGpuWatch({ files, gpus: () => gpus, pids: async () => [70], now: () => now })
  const count = (path: string): number => calls.filter((call) => call === path).length
  await Promise.all([watch(), watch()])
  assert.deepEqual([count(`${drm}/gpu_busy_percent`), count(`${drm}/ras/umc_err_count`)], [1, 1])
  now = 29_999
  await watch()
  assert.deepEqual([count(`${drm}/gpu_busy_percent`), count(`${drm}/ras/umc_err_count`)], [2, 1])
  now = 30_000
  await watch()
  assert.deepEqual([count(`${drm}/gpu_busy_percent`), count(`${drm}/ras/umc_err_count`)], [3, 2])
})

test('the metrics hold a sample for what is known of each GPU, and none for the rest', async () => {
  const figures = {
    ...{ version: '1', state: 'ready', states: [], ready: true, engineUp: true, restarts: 0, ends: {}, causes: {}, phases: {} },
    ...{ gpus: 2, pulledBytes: 0, pullBytes: 0, reaped: 0, stalls: {}, selfHelp: {}, heldBytes: {}, droppedLines: 0 },
  } satisfies Partial<Figures> as Figures
  const watch = createGpuWatch({ files: patient(tree), gpus: () => gpus, pids: async () => [70], now: () => 0 })
  const { text } = await createMetrics(() => figures, watch)()
  const own = 'gpu="0",pci="0000:11:00.0"'
  for (const line of [
    `aim_gpu_vram_used_bytes{${own}} ${300 * 2 ** 20}`,
    `aim_gpu_vram_held_bytes{${own},holder="engine"} ${100 * 2 ** 20}`,
    `aim_gpu_vram_held_bytes{${own},holder="others"} ${200 * 2 ** 20}`,
    `aim_gpu_busy_ratio{${own}} 0.5`,
    `aim_gpu_temperature_celsius{${own},sensor="junction"} 60`,
    `aim_gpu_ras_errors_total{${own},block="umc",severity="correctable"} 2`,
    `aim_gpu_partition_info{${own},compute="SPX",memory="NPS1"} 1`,
    'aim_gpu_vram_used_bytes{gpu="1",pci="0000:19:00.0"} 314572800',
  ]) {
    assert.ok(text.includes(`${line}\n`), `${line}\nin\n${text}`)
  }
  assert.doesNotMatch(text, /aim_gpu_busy_ratio\{gpu="1"|NaN,|undefined/)
})
