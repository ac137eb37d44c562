/** Walks a bucket's keys page by page, rolling up what lies behind a delimiter. */
import type { KeyIndex, Summary } from './key-index.ts'

export interface ListRequest {
  prefix: string
  delimiter: string
  /** Where the page before ended: a key or a rolled-up prefix. */
  after: string
  max: number
}

export interface ListPage {
  summaries: Summary[]
  prefixes: string[]
  /** Where this page ended, if more follows. */
  next: string | null
}

export function rollUp(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '') return null
  const at = key.indexOf(delimiter, prefix.length)
  return at === -1 ? null : key.slice(0, at + delimiter.length)
}

function firstBehind(index: KeyIndex, { prefix, delimiter, after }: ListRequest): Summary | null {
  if (after < prefix && !after.startsWith(prefix)) return index.seek(prefix)
  if (after.startsWith(prefix) && rollUp(after, prefix, delimiter) === after) return index.seekBehind(after)
  // A key and NUL is the very next key in the order.
  return after === '' ? index.seek(prefix) : index.seek(`${after}\u0000`)
}

export function listPage(index: KeyIndex, request: ListRequest): ListPage {
  const page: ListPage = { summaries: [], prefixes: [], next: null }
  if (request.max === 0) return page
  let last = ''
  let found = firstBehind(index, request)
  while (found?.key.startsWith(request.prefix)) {
    if (page.summaries.length + page.prefixes.length === request.max) {
      page.next = last
      break
    }
    const rolled = rollUp(found.key, request.prefix, request.delimiter)
    if (rolled === null) page.summaries.push(found)
    else page.prefixes.push(rolled)
    last = rolled ?? found.key
    found = rolled === null ? index.seek(`${last}\u0000`) : index.seekBehind(rolled)
  }
  return page
}
