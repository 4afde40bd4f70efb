import type { Roofline } from '../recipes/roofline.ts'

const roundly = (amount: number): string => Number(amount.toPrecision(1)).toLocaleString('en-US', { maximumFractionDigits: 1 })

/** The roofline as a sentence, rounded to what it is: an order of magnitude. */
export const rooflineInWords = ({ empty, full }: Roofline): string => {
  const alone = full === undefined || roundly(full) === roundly(empty) ? '' : `, ${roundly(full)} with its whole context`
  return `at most ${roundly(empty)} tokens/s for one request${alone}, by memory bandwidth alone: an order of magnitude, not a promise`
}
