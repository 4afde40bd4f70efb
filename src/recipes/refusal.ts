import type { ExitCode } from '../std/exit-codes.ts'
import type { Rejection } from './profile.ts'

/** No choice could be made: why, what to do next, and every profile that was looked at. `exitCode` is what the process would end with. */
export type Refusal = {
  readonly kind: 'refusal'
  readonly exitCode: ExitCode
  readonly message: string
  readonly fix: string
  /** Commands that would lead to a plan, nearest first. */
  readonly nearest?: readonly string[]
  readonly rejected: readonly Rejection[]
}

/** Whether an answer is a refusal and not what was asked for. */
export const isRefusal = (answer: object): answer is Refusal => 'kind' in answer && answer.kind === 'refusal'
