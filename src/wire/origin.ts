/** Which browser origins may talk to the server: its own, those configured, and localhost in development. */
export interface OriginConfig {
  ALLOWED_ORIGINS: string[]
  PUBLIC_URL?: string | undefined
  development: boolean
}

/** Native clients send no origin and are fine. */
export function originAllowed(
  config: OriginConfig,
  origin: string | undefined,
  host: string | undefined,
): boolean {
  if (origin === undefined) return true
  if (config.ALLOWED_ORIGINS.includes(origin) || config.ALLOWED_ORIGINS.includes('*')) return true
  if (!URL.canParse(origin)) return false
  const { hostname, host: originHost } = new URL(origin)
  if (config.PUBLIC_URL !== undefined && new URL(config.PUBLIC_URL).origin === origin) return true
  if (host !== undefined && originHost === host) return true
  return config.development && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
