/** An object's tags: at most ten, each name once. */
import type { Tag } from '../disk/bucket.ts'
import { S3Error } from '../protocol/errors.ts'
import { percentDecode } from '../protocol/target.ts'
import { parseXml, type XmlElement } from '../protocol/xml-reader.ts'

const tagsMax = 10
const nameLengthMax = 128
const valueLengthMax = 256

export function checkTags(tags: Tag[]): Tag[] {
  if (tags.length > tagsMax) throw new S3Error('InvalidTag', `An object has at most ${tagsMax} tags.`)
  if (new Set(tags.map(([name]) => name)).size !== tags.length)
    throw new S3Error('InvalidTag', 'A tag is there twice.')
  for (const [name, value] of tags)
    if (name === '' || name.length > nameLengthMax || value.length > valueLengthMax)
      throw new S3Error('InvalidTag')
  return tags
}

/** Tags as the x-amz-tagging header carries them, like a query string. */
export function parseTagHeader(header: string | null): Tag[] {
  if (!header) return []
  const tags = header.split('&').map((pair): Tag => {
    const [name = '', ...rest] = pair.replaceAll('+', ' ').split('=')
    return [percentDecode(name), percentDecode(rest.join('='))]
  })
  return checkTags(tags)
}

export function readTagElements(parent: XmlElement): Tag[] {
  return parent.all('Tag').map((tag): Tag => [tag.requireValue('Key'), tag.requireValue('Value')])
}

export function parseTagDocument(xml: string): Tag[] {
  const set = parseXml(xml, 'Tagging').find('TagSet')
  if (!set) throw new S3Error('MalformedXML')
  return checkTags(readTagElements(set))
}
