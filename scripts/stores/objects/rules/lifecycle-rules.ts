/** When objects and unfinished uploads are to go by themselves. */
import type { StoredObject, Tag } from '../disk/bucket.ts'
import type { Summary } from '../disk/key-index.ts'
import { S3Error } from '../protocol/errors.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseXml, type XmlElement } from '../protocol/xml-reader.ts'
import { readTagElements } from './tags.ts'

const dayMs = 24 * 3600 * 1000
const rulesMax = 1000

export interface LifecycleRule {
  id: string
  enabled: boolean
  prefix: string
  tags: Tag[]
  sizeBytesAbove: number | null
  sizeBytesBelow: number | null
  expireDays: number | null
  expireAt: number | null
  abortDays: number | null
}

function readNumber(element: XmlElement | null, name: string, min: number): number | null {
  const text = element?.value(name)?.trim() ?? null
  if (text === null) return null
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value < min)
    throw new S3Error('InvalidArgument', `'${name}' must be a whole number of at least ${min}.`)
  return value
}

function readExpiryDate(expiration: XmlElement | null): number | null {
  const text = expiration?.value('Date') ?? null
  if (text === null) return null
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new S3Error('MalformedXML')
  if (at % dayMs !== 0) throw new S3Error('InvalidArgument', "'Date' must be at midnight UTC.")
  return at
}

function parseRule(rule: XmlElement, place: number): LifecycleRule {
  if (rule.find('Transition') || rule.find('NoncurrentVersionTransition'))
    throw new S3Error('NotImplemented', 'There is only one storage class here.')
  const status = rule.requireValue('Status')
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML')
  const filter = rule.find('Filter')
  const all = filter?.find('And') ?? filter
  const expiration = rule.find('Expiration')
  const parsed: LifecycleRule = {
    id: rule.value('ID') ?? `rule-${place + 1}`,
    enabled: status === 'Enabled',
    prefix: all?.value('Prefix') ?? rule.value('Prefix') ?? '',
    tags: all ? readTagElements(all) : [],
    sizeBytesAbove: readNumber(all, 'ObjectSizeGreaterThan', 0),
    sizeBytesBelow: readNumber(all, 'ObjectSizeLessThan', 1),
    expireDays: readNumber(expiration, 'Days', 1),
    expireAt: readExpiryDate(expiration),
    abortDays: readNumber(rule.find('AbortIncompleteMultipartUpload'), 'DaysAfterInitiation', 1),
  }
  if (parsed.expireDays !== null && parsed.expireAt !== null) throw new S3Error('MalformedXML')
  if (!expiration && parsed.abortDays === null && !rule.find('NoncurrentVersionExpiration'))
    throw new S3Error('InvalidRequest', 'At least one action needs to be specified in a rule.')
  return parsed
}

export function parseLifecycle(xml: string): LifecycleRule[] {
  const rules = parseXml(xml, 'LifecycleConfiguration').all('Rule').map(parseRule)
  if (rules.length === 0 || rules.length > rulesMax) throw new S3Error('MalformedXML')
  if (new Set(rules.map((rule) => rule.id)).size !== rules.length)
    throw new S3Error('InvalidArgument', 'Rule ID must be unique.')
  return rules
}

function optional(name: string, value: number | null): string[] {
  return value === null ? [] : [leaf(name, value)]
}

export function lifecycleDocument(rules: LifecycleRule[]): string {
  const children = rules.map((rule) => {
    const filters = [
      leaf('Prefix', rule.prefix),
      ...rule.tags.map(([name, value]) => branch('Tag', [leaf('Key', name), leaf('Value', value)])),
      ...optional('ObjectSizeGreaterThan', rule.sizeBytesAbove),
      ...optional('ObjectSizeLessThan', rule.sizeBytesBelow),
    ]
    const expiry = [
      ...optional('Days', rule.expireDays),
      ...(rule.expireAt === null ? [] : [leaf('Date', new Date(rule.expireAt).toISOString())]),
    ]
    return branch('Rule', [
      leaf('ID', rule.id),
      leaf('Status', rule.enabled ? 'Enabled' : 'Disabled'),
      branch('Filter', filters.length > 1 ? [branch('And', filters)] : filters),
      ...(expiry.length > 0 ? [branch('Expiration', expiry)] : []),
      ...(rule.abortDays === null
        ? []
        : [branch('AbortIncompleteMultipartUpload', [leaf('DaysAfterInitiation', rule.abortDays)])]),
    ])
  })
  return xmlDocument('LifecycleConfiguration', children)
}

/** S3 counts whole days and acts at the midnight after. */
function dueAfter(from: number, days: number): number {
  return Math.ceil((from + days * dayMs) / dayMs) * dayMs
}

export function isExpired(
  rule: LifecycleRule,
  object: Summary & Pick<StoredObject, 'tags'>,
  now: number,
): boolean {
  const due =
    rule.expireAt ?? (rule.expireDays === null ? null : dueAfter(object.modifiedAt, rule.expireDays))
  return (
    rule.enabled &&
    due !== null &&
    now >= due &&
    object.key.startsWith(rule.prefix) &&
    (rule.sizeBytesAbove === null || object.sizeBytes > rule.sizeBytesAbove) &&
    (rule.sizeBytesBelow === null || object.sizeBytes < rule.sizeBytesBelow) &&
    rule.tags.every(([name, value]) => object.tags.some((tag) => tag[0] === name && tag[1] === value))
  )
}

export function isAbandoned(
  rule: LifecycleRule,
  upload: { key: string; startedAt: number },
  now: number,
): boolean {
  if (!rule.enabled || rule.abortDays === null || rule.tags.length > 0) return false
  return upload.key.startsWith(rule.prefix) && now >= dueAfter(upload.startedAt, rule.abortDays)
}
