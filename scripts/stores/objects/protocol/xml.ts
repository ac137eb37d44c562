const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escapeXml(value: string): string {
  // Keys may hold control characters; as character references the document stays readable for clients.
  return value.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    /[&<>"\u0000-\u001f\u007f]/g,
    (found) => escapes[found] ?? `&#x${found.charCodeAt(0).toString(16)};`,
  )
}

/** `<name>value</name>` with the value escaped. */
export function leaf(name: string, value: string | number | boolean): string {
  return `<${name}>${escapeXml(String(value))}</${name}>`
}

/** `<name>…</name>` around markup that is already XML. */
export function branch(name: string, children: string[]): string {
  return `<${name}>${children.join('')}</${name}>`
}

/** A whole answer. Clients go by the names of elements, so it declares no namespace. */
export function xmlDocument(root: string, children: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
${branch(root, children)}`
}
