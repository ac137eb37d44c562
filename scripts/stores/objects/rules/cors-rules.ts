/** Which web origins may talk to a bucket. */
import { S3Error } from '../protocol/errors.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseXml } from '../protocol/xml-reader.ts'

const methods = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'])
const rulesMax = 100

export interface CorsRule {
  id: string | null
  origins: string[]
  methods: string[]
  allowedHeaders: string[]
  exposedHeaders: string[]
  maxAgeSeconds: number | null
}

export interface CorsQuestion {
  origin: string
  method: string
  headers: string[]
}

export function parseCors(xml: string): CorsRule[] {
  const rules = parseXml(xml, 'CORSConfiguration')
    .all('CORSRule')
    .map((rule): CorsRule => {
      const texts = (name: string) => rule.all(name).map((child) => child.text.trim())
      const age = rule.value('MaxAgeSeconds')
      return {
        id: rule.value('ID'),
        origins: texts('AllowedOrigin'),
        methods: texts('AllowedMethod'),
        allowedHeaders: texts('AllowedHeader'),
        exposedHeaders: texts('ExposeHeader'),
        maxAgeSeconds: age === null ? null : Number(age),
      }
    })
  if (rules.length === 0 || rules.length > rulesMax) throw new S3Error('MalformedXML')
  for (const rule of rules) {
    const patterns = [...rule.origins, ...rule.allowedHeaders]
    if (rule.origins.length === 0 || rule.methods.length === 0) throw new S3Error('MalformedXML')
    if (
      rule.methods.some((method) => !methods.has(method)) ||
      patterns.some((text) => text.split('*').length > 2)
    )
      throw new S3Error(
        'InvalidRequest',
        'A CORS rule has an unknown method or more than one wildcard in a value.',
      )
    if (rule.maxAgeSeconds !== null && !Number.isInteger(rule.maxAgeSeconds))
      throw new S3Error('MalformedXML')
  }
  return rules
}

export function corsDocument(rules: CorsRule[]): string {
  const children = rules.map((rule) =>
    branch('CORSRule', [
      ...(rule.id === null ? [] : [leaf('ID', rule.id)]),
      ...rule.origins.map((value) => leaf('AllowedOrigin', value)),
      ...rule.methods.map((value) => leaf('AllowedMethod', value)),
      ...rule.allowedHeaders.map((value) => leaf('AllowedHeader', value)),
      ...rule.exposedHeaders.map((value) => leaf('ExposeHeader', value)),
      ...(rule.maxAgeSeconds === null ? [] : [leaf('MaxAgeSeconds', rule.maxAgeSeconds)]),
    ]),
  )
  return xmlDocument('CORSConfiguration', children)
}

function fits(pattern: string, value: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return pattern === value
  const head = pattern.slice(0, star)
  const tail = pattern.slice(star + 1)
  return value.length >= head.length + tail.length && value.startsWith(head) && value.endsWith(tail)
}

/** The answer's headers where a rule allows the request, or null. */
export function corsHeaders(rules: CorsRule[], question: CorsQuestion): Record<string, string> | null {
  const rule = rules.find(
    (candidate) =>
      candidate.methods.includes(question.method) &&
      candidate.origins.some((pattern) => fits(pattern, question.origin)) &&
      question.headers.every((header) =>
        candidate.allowedHeaders.some((pattern) => fits(pattern.toLowerCase(), header.toLowerCase())),
      ),
  )
  if (!rule) return null
  const headers: Record<string, string> = {
    'access-control-allow-origin': rule.origins.includes('*') ? '*' : question.origin,
    'access-control-allow-methods': rule.methods.join(', '),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  }
  if (question.headers.length > 0) headers['access-control-allow-headers'] = question.headers.join(', ')
  if (rule.exposedHeaders.length > 0)
    headers['access-control-expose-headers'] = rule.exposedHeaders.join(', ')
  if (rule.maxAgeSeconds !== null) headers['access-control-max-age'] = String(rule.maxAgeSeconds)
  if (!rule.origins.includes('*')) headers['access-control-allow-credentials'] = 'true'
  return headers
}
