import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gpu } from '../../src/hardware/inventory.ts'
import { applyMasks } from '../../src/hardware/masks.ts'

/** Four GPUs at nodes 2 to 5; the last two share a unique id, as partitions did before ROCm 7.0. */
const four: readonly Gpu[] = ['1311768467463790320', '18364758544493064720', '7', '7'].map((uniqueId, index) => ({
  ...{ index, node: index + 2, uniqueId },
}))

const ids = ['GPU-123456789abcdef0', 'GPU-fedcba9876543210', 'GPU-0000000000000007'] as const

/** An APU without an id beside a card with one. */
const mixed: readonly Gpu[] = [
  { index: 0, node: 1 },
  { index: 1, node: 2, uniqueId: '1311768467463790320' },
]

type Variables = { readonly ROCR?: string; readonly HIP?: string; readonly CUDA?: string }

const rocr = 'ROCR amd_filter_device.cpp'
const clr = 'CLR rocdevice.cpp'

/** Variables, the nodes left in the engine's order, and where the rule stands. */
const rows: readonly [variables: Variables, nodes: readonly number[], rule: string, source: string, gpus?: readonly Gpu[]][] = [
  [{}, [2, 3, 4, 5], 'nothing set masks nothing', rocr],
  [{ ROCR: '' }, [], 'ROCR set and empty means none', rocr],
  [{ ROCR: '0' }, [2], 'ROCR counts from 0 in KFD node order', rocr],
  [{ ROCR: '2,0' }, [4, 2], 'ROCR renumbers in the order of the entries', rocr],
  [{ ROCR: ' 1 , 0 ' }, [3, 2], 'ROCR trims', rocr],
  [{ ROCR: '0x1,02' }, [3, 4], 'ROCR reads hex and octal (strtol, base 0)', rocr],
  [{ ROCR: '010' }, [], 'octal 010 is 8, beyond four GPUs', rocr],
  [{ ROCR: '08' }, [], '08 is no octal number', rocr],
  [{ ROCR: '+1' }, [3], 'strtol takes a sign', rocr],
  [{ ROCR: '0,7,1' }, [2], 'ROCR stops at an index beyond the GPUs and keeps what came before', rocr],
  [{ ROCR: '1,x,0' }, [3], 'ROCR stops at a word', rocr],
  [{ ROCR: '1,1,0' }, [3], 'ROCR stops at a repetition', rocr],
  [{ ROCR: '1,,0' }, [3], 'ROCR stops at an empty entry', rocr],
  [{ ROCR: '1,' }, [3], 'a comma at the end adds no entry (getline)', rocr],
  [{ ROCR: '-1' }, [], 'ROCR takes -1 for none', rocr],
  [{ ROCR: '1.5' }, [], 'a rest behind the number ends the reading', rocr],
  [{ ROCR: '0,1,2,3,0' }, [2, 3, 4, 5], 'no more entries are read than there are GPUs', rocr],
  [{ ROCR: ids[1] }, [3], 'ROCR takes a whole UUID', rocr],
  [{ ROCR: ids[0].toUpperCase() }, [2], 'in any case', rocr],
  [{ ROCR: 'gpu-1' }, [2], 'a prefix of five characters is enough', rocr],
  [{ ROCR: 'GPU-' }, [], 'four are not', rocr],
  [{ ROCR: `${ids[0]}0` }, [], 'twenty-one are too many', rocr],
  [{ ROCR: ids[2] }, [], 'a UUID that two partitions share names none', rocr],
  [{ ROCR: 'GPU-9' }, [], 'an unknown UUID ends the reading', rocr],
  [{ ROCR: 'GPU-XX' }, [], 'an APU without an id has no UUID', rocr, mixed],
  [{ HIP: '' }, [2, 3, 4, 5], 'HIP set and empty is as unset', clr],
  [{ HIP: '', CUDA: '1' }, [3], 'then CUDA is looked at', clr],
  [{ CUDA: '1' }, [3], 'without HIP it is CUDA', clr],
  [{ CUDA: '' }, [2, 3, 4, 5], 'CUDA set and empty is as unset', clr],
  [{ HIP: '3,1' }, [5, 3], 'HIP renumbers in the order of the entries', clr],
  [{ HIP: '1,1,0' }, [3, 2], 'HIP skips a repetition', clr],
  [{ HIP: '0,9,1' }, [2], 'HIP stops at an index beyond the GPUs', clr],
  [{ HIP: '0, 1' }, [2], 'HIP does not trim: a number must read as it prints', clr],
  [{ HIP: '01' }, [], 'so 01 names none', clr],
  [{ HIP: '+1' }, [], 'nor does +1', clr],
  [{ HIP: '0x1' }, [], 'nor hex', clr],
  [{ HIP: '-1' }, [], 'HIP takes -1 for none', clr],
  [{ HIP: 'none' }, [], 'a word names none', clr],
  [{ HIP: ids[1] }, [3], 'HIP takes a UUID', clr],
  [{ HIP: 'GPU-fed' }, [3], 'or a piece of it', clr],
  [{ HIP: ids[2] }, [4], 'of partitions that share one, the first', clr],
  [{ HIP: ids[0].toUpperCase() }, [], 'in its own case only', clr],
  [{ HIP: 'GPU-XX' }, [1], 'ROCR calls a GPU without an id GPU-XX, and HIP finds it by that', clr, mixed],
  [{ ROCR: '3,1', HIP: '1' }, [3], 'HIP counts among what ROCR left, in its order', clr],
  [{ ROCR: '1', HIP: '1' }, [], 'and finds nothing beyond', clr],
  [{ ROCR: '', HIP: '0' }, [], 'none stays none', clr],
  [{ HIP: '1', CUDA: '1' }, [3], 'HIP and CUDA may agree', 'vllm/platforms/rocm.py'],
]

for (const [{ ROCR, HIP, CUDA }, nodes, rule, source, gpus = four] of rows) {
  test(`applyMasks() ${JSON.stringify({ ROCR, HIP, CUDA })}: ${rule} (${source})`, () => {
    const masked = applyMasks(gpus, { ROCR_VISIBLE_DEVICES: ROCR, HIP_VISIBLE_DEVICES: HIP, CUDA_VISIBLE_DEVICES: CUDA })
    assert.deepEqual(
      masked.gpus.map(({ node }) => node),
      nodes,
    )
    assert.deepEqual(
      masked.gpus.map(({ index }) => index),
      [...nodes.keys()],
    )
    assert.equal(masked.gpus.length + masked.hidden.length, gpus.length)
    assert.equal(masked.blocked, undefined)
  })
}

test('applyMasks() is blocked by HIP and CUDA set and different, because vLLM refuses them', () => {
  const { gpus, hidden, blocked } = applyMasks(four, { HIP_VISIBLE_DEVICES: '0', CUDA_VISIBLE_DEVICES: '0,1' })
  assert.deepEqual(gpus, [])
  assert.equal(hidden.length, 4)
  assert.match(blocked?.reason ?? '', /HIP_VISIBLE_DEVICES=0 and CUDA_VISIBLE_DEVICES=0,1 differ/)
  assert.match(blocked?.fix ?? '', /unset CUDA_VISIBLE_DEVICES/)
})

test('applyMasks() has nothing to refuse on a machine without GPUs', () => {
  const environment = { HIP_VISIBLE_DEVICES: '0', CUDA_VISIBLE_DEVICES: '1', ROCR_VISIBLE_DEVICES: '5', GPU_DEVICE_ORDINAL: '0' }
  assert.deepEqual(applyMasks([], environment), { gpus: [], hidden: [], oddities: [] })
})

test('applyMasks() says by which variable a GPU is hidden', () => {
  const { hidden } = applyMasks(four, { ROCR_VISIBLE_DEVICES: '0,1', CUDA_VISIBLE_DEVICES: '1' })
  assert.deepEqual(hidden, [
    { node: 4, reason: 'hidden by ROCR_VISIBLE_DEVICES=0,1' },
    { node: 5, reason: 'hidden by ROCR_VISIBLE_DEVICES=0,1' },
    { node: 2, reason: 'hidden by CUDA_VISIBLE_DEVICES=1' },
  ])
})

const odd: readonly [environment: Record<string, string>, oddity: RegExp | undefined][] = [
  [{ ROCR_VISIBLE_DEVICES: '0,x,1' }, /ROCR_VISIBLE_DEVICES=0,x,1: "x" names none of the 4 GPUs.*ignored/],
  [{ ROCR_VISIBLE_DEVICES: '0,0' }, /"0" comes twice/],
  [{ ROCR_VISIBLE_DEVICES: '0,1,2,3,0' }, /"0" is beyond the 4 entries/],
  [{ HIP_VISIBLE_DEVICES: '0,4' }, /"4" names none of the 4 GPUs/],
  [{ HIP_VISIBLE_DEVICES: '-1' }, undefined],
  [{ ROCR_VISIBLE_DEVICES: '-1' }, undefined],
  [{ GPU_DEVICE_ORDINAL: '0' }, /GPU_DEVICE_ORDINAL=0.*not applied/],
  [{ AMD_VISIBLE_DEVICES: '7' }, undefined],
]

test('applyMasks() states what it ignored, and leaves AMD_VISIBLE_DEVICES to the container runtime', () => {
  for (const [environment, oddity] of odd) {
    const { oddities } = applyMasks(four, environment)
    assert.equal(oddities.length, oddity === undefined ? 0 : 1, JSON.stringify(environment))
    if (oddity !== undefined) assert.match(oddities[0] ?? '', oddity)
  }
})
