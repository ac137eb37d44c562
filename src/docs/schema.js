/** Reads JSON Schema as it stands in the documents: references, unions, and a flat list of fields to show. */

const DEPTH_MAX = 7

/** Follows `$ref` within the document, keeping what stands beside it. */
export function resolve(root, node) {
  let current = node
  for (let hops = 0; typeof current?.$ref === 'string' && hops < 10; hops += 1) {
    const { $ref, ...beside } = current
    const target = $ref
      .replace(/^#\//u, '')
      .split('/')
      .reduce((at, part) => at?.[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')], root)
    current = { ...target, ...beside }
  }
  return current ?? {}
}

/** The last part of a reference: how the thing is called. */
export const refName = (node) => (typeof node?.$ref === 'string' ? (node.$ref.split('/').at(-1) ?? '') : '')

/** A type in words: `string`, `"a" | "b"`, `message[] | null`. */
export function typeWords(root, node, depth = 0) {
  const schema = resolve(root, node)
  if (depth > 4) return refName(node) || 'object'
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const variants = schema.oneOf ?? schema.anyOf
  if (variants) return [...new Set(variants.map((one) => typeWords(root, one, depth + 1)))].join(' | ')
  if (Array.isArray(schema.type)) return schema.type.join(' | ')
  if (schema.type === 'array') {
    const items = typeWords(root, schema.items ?? {}, depth + 1)
    return items.includes(' ') ? `(${items})[]` : `${items}[]`
  }
  if (schema.type === 'object' || schema.properties) return refName(node) || 'object'
  if (schema.format) return `${schema.type ?? 'string'} (${schema.format})`
  return schema.type ?? 'any'
}

/** Limits in words: "1 to 64 characters", "at most 500 items". */
export function limitWords(root, node) {
  const schema = resolve(root, node)
  return [
    range(schema.minLength, schema.maxLength, 'characters'),
    range(schema.minItems, schema.maxItems, 'items'),
    range(schema.minimum, limitOf(schema.maximum), ''),
    schema.pattern && !schema.format ? `matches ${schema.pattern}` : '',
  ]
    .filter((words) => words !== '')
    .join(', ')
}

/** All fields of an object schema, depth first: `{path, depth, node, required}`. */
export function fieldsOf(root, node, { depth = 0, seen = [] } = {}) {
  const schema = objectIn(root, node)
  if (schema === null || depth > DEPTH_MAX || seen.includes(schema.name)) return []
  const below = { depth: depth + 1, seen: schema.name === '' ? seen : [...seen, schema.name] }
  return Object.entries(schema.properties).flatMap(([name, property]) => [
    { name, depth, node: property, required: schema.required.includes(name) },
    ...fieldsOf(root, property, below),
  ])
}

// The object to open under a field: itself, its items, or the one object of a union with null.
function objectIn(root, node) {
  const schema = resolve(root, node)
  const name = refName(node)
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => objectIn(root, part)).filter((part) => part !== null)
    return {
      name,
      properties: Object.assign({}, ...parts.map((part) => part.properties)),
      required: parts.flatMap((part) => part.required),
    }
  }
  if (schema.properties) return { name, properties: schema.properties, required: schema.required ?? [] }
  if (schema.items) return objectIn(root, schema.items)
  const objects = (schema.oneOf ?? schema.anyOf ?? [])
    .map((one) => objectIn(root, one))
    .filter((one) => one !== null)
  if (objects.length === 0) return null
  const [first, ...others] = objects
  return {
    name: first.name,
    properties: Object.assign({}, ...objects.map((one) => one.properties)),
    required: first.required.filter((field) => others.every((one) => one.required.includes(field))),
  }
}

// Number.MAX_SAFE_INTEGER is how a generator says "any integer".
const limitOf = (value) => (value >= Number.MAX_SAFE_INTEGER ? undefined : value)

function range(from, to, unit) {
  const what = unit === '' ? '' : ` ${unit}`
  if (from !== undefined && to !== undefined)
    return from === to ? `${from}${what}` : `${from} to ${to}${what}`
  if (to !== undefined) return `at most ${to}${what}`
  return from !== undefined && from > 0 ? `at least ${from}${what}` : ''
}
