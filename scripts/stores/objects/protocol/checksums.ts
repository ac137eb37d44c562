/** The digests S3 clients send with a body, each computed as the bytes go by. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { S3Error } from './errors.ts'

export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]

export interface RunningChecksum {
  update(data: Buffer): void
  digest(): Buffer
}

/** A checksum as kept beside an object; COMPOSITE ones are taken over the parts' checksums. */
export interface Checksum {
  algorithm: ChecksumAlgorithm
  value: string
  type: 'COMPOSITE' | 'FULL_OBJECT'
}

const digestBytes: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}

const castagnoli = Uint32Array.from({ length: 256 }, (_empty, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

const nvme = Array.from({ length: 256 }, (_empty, byte) => {
  let value = BigInt(byte)
  for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n
  return value
})
// Two halves of 32 bits: BigInt arithmetic for each byte would be slower than the disk.
const nvmeLow = Uint32Array.from(nvme, (value) => Number(value & 0xffffffffn))
const nvmeHigh = Uint32Array.from(nvme, (value) => Number(value >> 32n))

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

function runningCrc32(): RunningChecksum {
  let value = 0
  return {
    update: (data) => {
      value = crc32(data, value)
    },
    digest: () => uint32(value),
  }
}

function runningCrc32c(): RunningChecksum {
  let value = 0xffffffff
  return {
    update: (data) => {
      for (const byte of data) value = (castagnoli[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)
    },
    digest: () => uint32(value ^ 0xffffffff),
  }
}

function runningCrc64(): RunningChecksum {
  let low = 0xffffffff
  let high = 0xffffffff
  return {
    update: (data) => {
      for (const byte of data) {
        const at = (low ^ byte) & 0xff
        low = ((low >>> 8) | (high << 24)) ^ (nvmeLow[at] ?? 0)
        high = (high >>> 8) ^ (nvmeHigh[at] ?? 0)
      }
    },
    digest: () => Buffer.concat([uint32(high ^ 0xffffffff), uint32(low ^ 0xffffffff)]),
  }
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  if (algorithm === 'CRC32') return runningCrc32()
  if (algorithm === 'CRC32C') return runningCrc32c()
  if (algorithm === 'CRC64NVME') return runningCrc64()
  const hash = createHash(algorithm.toLowerCase())
  return { update: (data) => void hash.update(data), digest: () => hash.digest() }
}

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

export function parseAlgorithm(name: string): ChecksumAlgorithm {
  const found = checksumAlgorithms.find((algorithm) => algorithm === name.toUpperCase())
  if (!found) throw new S3Error('InvalidRequest', 'The checksum algorithm is not one of those supported.')
  return found
}

/** The value itself where it is base64 of the right length. */
export function requireDigest(algorithm: ChecksumAlgorithm, value: string): string {
  if (Buffer.from(value, 'base64').length !== digestBytes[algorithm] || !/^[A-Za-z0-9+/]+=*$/.test(value))
    throw new S3Error('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`)
  return value
}

/** The checksum of a multipart object: taken over its parts' checksums. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): Checksum {
  const running = startChecksum(algorithm)
  for (const part of parts) running.update(Buffer.from(part, 'base64'))
  return { algorithm, value: `${running.digest().toString('base64')}-${parts.length}`, type: 'COMPOSITE' }
}
