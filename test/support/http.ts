// A request as a stranger's client would make it: nothing is added, nothing is thrown.
export type RawAnswer = {
  status: number
  headers: Headers
  text: string
  body: {
    success?: boolean
    data?: unknown
    meta?: { timestamp: string; requestId: string; pagination?: unknown }
    error?: {
      code: string
      message: string
      details: { path: string; message: string }[] | null
      timestamp: string
      requestId: string
    }
  }
}

export type RawRequest = {
  method?: string
  token?: string
  headers?: Record<string, string>
  /** Sent as it is. */
  text?: string
  /** Sent as JSON. */
  json?: unknown
}

export async function ask(url: string, path: string, request: RawRequest = {}): Promise<RawAnswer> {
  const headers: Record<string, string> = { ...request.headers }
  const text = request.json === undefined ? request.text : JSON.stringify(request.json)
  if (request.json !== undefined) headers['content-type'] ??= 'application/json'
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`
  const method = request.method ?? (text === undefined ? 'GET' : 'POST')
  const init: RequestInit = { method, headers }
  if (text !== undefined) init.body = text
  const response = await fetch(new URL(path, url), init)
  const answer = await response.text()
  return { status: response.status, headers: response.headers, text: answer, body: parse(answer) }
}

function parse(text: string): RawAnswer['body'] {
  try {
    return JSON.parse(text) as RawAnswer['body']
  } catch {
    return {}
  }
}
