/** Serves a fixed list of files from memory: a request picks an entry of the list and never names a path of its own. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { Hono } from 'hono'

const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
}

interface StaticFile {
  /** Below the mount; the empty string is the page itself. */
  path: string
  file: string | URL
}

/** A sub-app that answers exactly these files, each under the given content security policy. */
export function serveFiles(files: StaticFile[], contentSecurityPolicy: string): Hono {
  const routes = new Hono()
  for (const { path, file } of files) {
    const bytes = readFileSync(file)
    const contentType = CONTENT_TYPES[extname(typeof file === 'string' ? file : file.pathname)]
    if (contentType === undefined) throw new Error(`No content type is known for ${path}`)
    const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`
    // `no-cache` with an ETag: a new release is seen at the next load, and an unchanged file costs no bytes.
    const headers = {
      'content-type': contentType,
      'cache-control': 'no-cache',
      etag,
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    }
    routes.get(`/${path}`, (c) => {
      const known = c.req.header('if-none-match')?.split(/\s*,\s*/u) ?? []
      if (known.includes(etag) || known.includes(`W/${etag}`)) return c.body(null, 304, headers)
      return c.body(bytes, 200, headers)
    })
  }
  return routes
}
