import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLocation, packageOf } from '../../src/hardware/pci.ts'

const rows: readonly [locationId: number, domain: number | undefined, address: string, shared: string, partition: number][] = [
  [0x1b00, 0, '0000:1b:00.0', '0000:1b:00.0', 0],
  [0x0500, undefined, '0000:05:00.0', '0000:05:00.0', 0],
  [0x0507, 0, '0000:05:00.7', '0000:05:00.0', 7],
  [0xe506, 1, '0001:e5:00.6', '0001:e5:00.0', 6],
  [0xff_f8, 0x1_0000, '10000:ff:1f.0', '10000:ff:1f.0', 0],
  [(0x3d << 8) | (0x1f << 3) | 3, 0, '0000:3d:1f.3', '0000:3d:1f.0', 3],
]

test('decodeLocation() takes bus, device and partition from location_id', () => {
  for (const [locationId, domain, address, shared, partition] of rows) {
    assert.deepEqual(decodeLocation(locationId, domain), { address, package: shared, partition })
    assert.equal(packageOf(address), shared)
  }
})
