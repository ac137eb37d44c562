/** CORS, lifecycle and encryption of a bucket: stored, given back, removed. */
import type { BucketSettings } from '../disk/bucket.ts'
import { readSmallBody } from '../protocol/body.ts'
import { S3Error, type FailureCode } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseXml } from '../protocol/xml-reader.ts'
import { corsDocument, parseCors } from '../rules/cors-rules.ts'
import { lifecycleDocument, parseLifecycle } from '../rules/lifecycle-rules.ts'

type Setting = 'cors' | 'lifecycle' | 'encryption'

interface Kind {
  missing: FailureCode
  parse: (xml: string) => Partial<BucketSettings>
  /** The document, or null where nothing is set. */
  write: (settings: BucketSettings) => string | null
}

function parseEncryption(xml: string): 'AES256' {
  const rule = parseXml(xml, 'ServerSideEncryptionConfiguration').find('Rule')
  const algorithm = rule?.find('ApplyServerSideEncryptionByDefault')?.requireValue('SSEAlgorithm')
  if (algorithm === undefined) throw new S3Error('MalformedXML')
  if (algorithm !== 'AES256') throw new S3Error('NotImplemented', 'Only AES256 is offered here.')
  return algorithm
}

function encryptionDocument(algorithm: 'AES256'): string {
  const byDefault = branch('ApplyServerSideEncryptionByDefault', [leaf('SSEAlgorithm', algorithm)])
  return xmlDocument('ServerSideEncryptionConfiguration', [branch('Rule', [byDefault])])
}

const kinds: Record<Setting, Kind> = {
  cors: {
    missing: 'NoSuchCORSConfiguration',
    parse: (xml) => ({ cors: parseCors(xml) }),
    write: ({ cors }) => cors && corsDocument(cors),
  },
  lifecycle: {
    missing: 'NoSuchLifecycleConfiguration',
    parse: (xml) => ({ lifecycle: parseLifecycle(xml) }),
    write: ({ lifecycle }) => lifecycle && lifecycleDocument(lifecycle),
  },
  encryption: {
    missing: 'ServerSideEncryptionConfigurationNotFoundError',
    parse: (xml) => ({ encryption: parseEncryption(xml) }),
    write: ({ encryption }) => encryption && encryptionDocument(encryption),
  },
}

function getConfig(exchange: Exchange, name: Setting): void {
  const document = kinds[name].write(exchange.bucket().settings)
  if (document === null) throw new S3Error(kinds[name].missing)
  exchange.sendXml(200, document)
}

async function putConfig(exchange: Exchange, name: Setting): Promise<void> {
  const bucket = exchange.bucket()
  await bucket.saveSettings(kinds[name].parse(await readSmallBody(exchange)))
  exchange.send(200)
}

async function deleteConfig(exchange: Exchange, name: Setting): Promise<void> {
  await exchange.bucket().saveSettings({ [name]: null })
  exchange.send(204)
}

/** Serves `?cors`, `?lifecycle` and `?encryption`. */
export async function bucketConfig(exchange: Exchange, name: Setting): Promise<void> {
  const { method } = exchange.req
  if (method === 'GET') getConfig(exchange, name)
  else if (method === 'PUT') await putConfig(exchange, name)
  else if (method === 'DELETE') await deleteConfig(exchange, name)
  else throw new S3Error('MethodNotAllowed')
}
