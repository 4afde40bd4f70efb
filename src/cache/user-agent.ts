import { version } from '../std/version.ts'

/** How we introduce ourselves, with the version of package.json: caches in front of the Hub treat well-known programs' names specially. */
export const userAgent = `aim-engine/${version}`
