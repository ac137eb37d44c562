/** Reads the small XML bodies that S3 clients send: elements and text, no DTD, no external anything. */
import { S3Error } from './errors.ts'

const depthMax = 16
const token =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/y
const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

export class XmlElement {
  readonly name: string
  readonly children: XmlElement[] = []
  text = ''

  constructor(name: string) {
    this.name = name
  }

  find(name: string): XmlElement | null {
    return this.children.find((child) => child.name === name) ?? null
  }

  all(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name)
  }

  /** The text of the first child of that name. */
  value(name: string): string | null {
    return this.find(name)?.text ?? null
  }

  requireValue(name: string): string {
    const value = this.value(name)
    if (value === null) throw new S3Error('MalformedXML')
    return value
  }
}

function decodeText(raw: string): string {
  return raw.replaceAll(/&([^;&]{1,10});|&/g, (_all, body: string | undefined) => {
    const known = body === undefined ? undefined : named[body]
    if (known !== undefined) return known
    const digits = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(body ?? '')
    const code = digits?.[1] ? Number.parseInt(digits[1], 16) : Number.parseInt(digits?.[2] ?? '', 10)
    if (!Number.isInteger(code) || code > 0x10ffff) throw new S3Error('MalformedXML')
    return String.fromCodePoint(code)
  })
}

/** The root element, which must have that name. */
export function parseXml(source: string, rootName: string): XmlElement {
  const open: XmlElement[] = [new XmlElement('')]
  let at = source.startsWith('\ufeff') ? 1 : 0
  while (at < source.length) {
    token.lastIndex = at
    const found = token.exec(source)
    if (!found) throw new S3Error('MalformedXML')
    at = token.lastIndex
    const [, cdata, closing, qualified, , selfClosing, text] = found
    const current = open.at(-1)
    if (!current) throw new S3Error('MalformedXML')
    if (cdata !== undefined) current.text += cdata
    else if (text !== undefined) current.text += decodeText(text)
    else if (qualified !== undefined) {
      const name = qualified.slice(qualified.indexOf(':') + 1)
      if (closing) {
        if (open.length < 2 || current.name !== name) throw new S3Error('MalformedXML')
        open.pop()
      } else {
        const element = new XmlElement(name)
        current.children.push(element)
        if (!selfClosing) open.push(element)
        if (open.length > depthMax) throw new S3Error('MalformedXML')
      }
    }
  }
  const top = open[0]
  const root = top?.children[0]
  if (
    open.length !== 1 ||
    !top ||
    top.text.trim() !== '' ||
    top.children.length !== 1 ||
    !root ||
    root.name !== rootName
  )
    throw new S3Error('MalformedXML')
  return root
}
