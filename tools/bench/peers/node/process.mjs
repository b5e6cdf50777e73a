// The command line of a peer, and its end.
import { parseArgs } from 'node:util'

/**
 * Returns the options of the command line: `port`, `database` and the additional ones.
 *
 * Throws TypeError if an option is unknown or a required one is missing.
 */
export function readOptions (additional = {}) {
  const options = { port: { type: 'string' }, database: { type: 'string' }, ...additional }
  const { values } = parseArgs({ options })
  for (const [name, { default: fallback }] of Object.entries(options)) {
    if (values[name] === undefined && fallback === undefined) throw new TypeError(`--${name} is missing`)
  }
  return values
}

/** Calls `close` on SIGTERM. The process ends when nothing is left to do. */
export function closeOnTermination (close) {
  process.once('SIGTERM', () => { close() })
}
