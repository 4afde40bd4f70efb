/** Writes the golden table again: `npm run golden`. What changed is to be read before it is committed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { planTable } from './plans.ts'

writeFileSync(join(import.meta.dirname, 'plans.txt'), await planTable())
