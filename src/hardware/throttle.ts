/** Throttling, out of the driver's binary `gpu_metrics`: the only place in sysfs that tells it. */

/** What is known of a GPU being held back. Which of the two there is depends on the generation. */
export type Throttle = {
  /** Whether something holds the clocks back now (tables 1.1 to 1.5: up to the first MI300 drivers). */
  readonly now?: boolean
  /** Firmware cycles so far in which each cause held the clocks back (tables 1.6 and later); only their growth means something. */
  readonly cycles?: Readonly<Record<(typeof causes)[number], number>>
}

const causes = ['prochot', 'power', 'socket_thermal', 'regulator_thermal', 'memory_thermal'] as const

/** Byte offset of the 32-bit throttle_status by content revision of format 1 (kgd_pp_interface.h, gpu_metrics_v1_1 to v1_5). */
const statusAt: Readonly<Record<number, number>> = { 1: 68, 2: 68, 3: 68, 4: 40, 5: 72 }

/** Byte offset of prochot_residency_acc, which four more counters of 32 bits follow (gpu_metrics_v1_6 to v1_8). */
const cyclesAt: Readonly<Record<number, number>> = { 6: 36, 7: 44, 8: 44 }

/**
 * Reads the table by its header (u16 size, u8 format, u8 content; little endian). Undefined for a format that is not known here (those of
 * APUs, and later ones), for a size that does not fit, and where the firmware fills the field with ones because it does not tell.
 */
export const parseThrottle = (table: Uint8Array): Throttle | undefined => {
  if (table.length < 4) return undefined
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const content = view.getUint8(3)
  if (view.getUint16(0, true) !== table.length || view.getUint8(2) !== 1) return undefined
  const [status, first] = [statusAt[content], cyclesAt[content]]
  if (status !== undefined) return parseStatus(view, status)
  return first === undefined ? undefined : parseCycles(view, first)
}

const unknown = 0xffff_ffff

const word = (view: DataView, at: number): number | undefined => {
  const value = at + 4 <= view.byteLength ? view.getUint32(at, true) : unknown
  return value === unknown ? undefined : value
}

const parseStatus = (view: DataView, at: number): Throttle | undefined => {
  const status = word(view, at)
  return status === undefined ? undefined : { now: status !== 0 }
}

const parseCycles = (view: DataView, first: number): Throttle | undefined => {
  const values = causes.map((cause, at) => [cause, word(view, first + 4 * at)] as const)
  const known = values.every(([, value]) => value !== undefined)
  return known ? { cycles: Object.fromEntries(values) as NonNullable<Throttle['cycles']> } : undefined
}
