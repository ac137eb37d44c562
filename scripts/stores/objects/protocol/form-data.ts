/** Reads a browser's form upload: the fields, then the file as a stream. What follows the file does not count. */
import { ByteReader } from './byte-reader.ts'
import { S3Error } from './errors.ts'

const headerBytesMax = 4096
const headersMax = 16
const fieldsBytesMax = 20 * 1024

export interface Form {
  /** By lower-case name. */
  fields: Map<string, string>
  fileName: string
  file: AsyncIterable<Buffer>
}

interface PartHeader {
  name: string
  fileName: string
}

function disposition(header: string, name: string): string | null {
  return new RegExp(`; *${name}="([^"]*)"`, 'i').exec(header)?.[1] ?? null
}

async function readPartHeader(reader: ByteReader): Promise<PartHeader> {
  let name: string | null = null
  let fileName = ''
  for (let count = 0; count < headersMax; count += 1) {
    const line = await reader.line(headerBytesMax)
    if (line === '') {
      if (name === null) break
      return { name: name.toLowerCase(), fileName }
    }
    if (/^content-disposition:/i.test(line)) {
      name = disposition(line, 'name')
      fileName = disposition(line, 'filename') ?? ''
    }
  }
  throw new S3Error('MalformedPOSTRequest')
}

async function readField(chunks: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of chunks) {
    size += piece.length
    if (size > bytesMax) throw new S3Error('MaxPostPreDataLengthExceeded')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

export async function readForm(source: AsyncIterable<Buffer>, contentType: string): Promise<Form> {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))/i.exec(contentType)
  if (!boundary) throw new S3Error('MalformedPOSTRequest')
  const reader = new ByteReader(source)
  const mark = `--${boundary[1] ?? boundary[2]}`
  if ((await reader.line(headerBytesMax)) !== mark) throw new S3Error('MalformedPOSTRequest')
  const delimiter = Buffer.from(`\r\n${mark}`)
  const fields = new Map<string, string>()
  let bytesLeft = fieldsBytesMax
  for (;;) {
    const part = await readPartHeader(reader)
    if (part.name === 'file') {
      return { fields, fileName: part.fileName, file: reader.until(delimiter) }
    }
    if (fields.has(part.name))
      throw new S3Error('InvalidArgument', `The form has the field ${part.name} twice.`)
    const value = await readField(reader.until(delimiter), bytesLeft)
    bytesLeft -= value.length + part.name.length
    fields.set(part.name, value)
    if ((await reader.line(headerBytesMax)) !== '')
      throw new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.')
  }
}
