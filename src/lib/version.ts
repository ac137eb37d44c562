/** The version of package.json, as documents and nodes give it. */
export const VERSION = '0.1.0'
