/** What a test run prints: each file as it passes, failures whole, everything that did not run; at its end the failures again, which a log cut in its middle would have lost, and the counts. */
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

const summary = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /

type Counts = { passed: number; failed: number; skipped: number }

const describeFailure = ({ name, file, line, details }: Extract<TestEvent, { type: 'test:fail' }>['data']): string => {
  const { cause } = details.error
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? details.error.message)
  return `\nFAILED ${name}\n  at ${file === undefined ? '?' : relative('.', file)}:${line}\n${why.replace(/^/gm, '  ')}\n`
}

const report = async function* (events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  const start = performance.now()
  for await (const { type, data } of events) {
    const leaf = type === 'test:pass' || type === 'test:fail' ? data.details.type !== 'suite' : false
    if (type === 'test:fail') {
      // A suite that fails because a test in it did says nothing new.
      if (leaf || !/subtests? failed/.test(data.details.error.message)) {
        const failure = describeFailure(data)
        failures.push(failure)
        yield failure
      }
      if (leaf) counts.failed++
    } else if (type === 'test:pass' && leaf) {
      if (data.skip !== undefined) {
        counts.skipped++
        yield `not run: ${data.name} (${data.skip})\n`
      } else counts.passed++
      const seconds = data.details.duration_ms / 1000
      if (process.env.CI || seconds > 5) yield `ok ${data.name} (${seconds.toFixed(1)} s)\n`
    } else if (type === 'test:diagnostic' && !summary.test(data.message)) yield `note: ${data.message}\n`
    else if (type === 'test:stderr' || type === 'test:stdout') yield data.message
  }
  yield* failures
  yield `\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\nin ${((performance.now() - start) / 1000).toFixed(0)} s\n`
}

// biome-ignore lint/style/noDefaultExport: node:test takes a reporter by its default export
export default report
