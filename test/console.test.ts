// The chat client and the documentation page, in a real browser against a real server.
import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { randomPhoneNumber } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

const CHROMIUM = [
  process.env['CHROMIUM_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== '' && existsSync(path))

const why = CHROMIUM === undefined ? ' (skipped: no Chromium found; name one in CHROMIUM_PATH)' : ''

let world: World
let browser: Browser

/** A browser tab, with everything in it that should not have happened. */
class Tab {
  readonly complaints: string[] = []
  phoneNumber = randomPhoneNumber()
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(10_000)
    page.on('pageerror', (err) => this.complaints.push(err.message))
    // Chromium logs a policy violation as an error, and a lost connection as a network one, which is not ours.
    page.on('console', (line) => {
      const isNetwork = /net::ERR|WebSocket connection/u.test(line.text())
      if (line.type() === 'error' && !isNetwork) this.complaints.push(line.text())
    })
    page.on('request', (request) => {
      const isOurs = request.url().startsWith(world.url) || /^(?:data|blob):/u.test(request.url())
      if (!isOurs) this.complaints.push(`asked another host: ${request.url()}`)
    })
  }

  static async open(path: string): Promise<Tab> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    onTestFinished(() => context.close())
    const tab = new Tab(await context.newPage())
    await tab.page.goto(`${world.url}${path}`)
    return tab
  }

  /** Opens the client and registers somebody, with the code that the page itself finds. */
  static async person(fullName: string): Promise<Tab> {
    const tab = await Tab.open('/console')
    await tab.page.fill('input[name=phone]', tab.phoneNumber)
    await tab.page.fill('input[name=name]', fullName)
    await tab.page.click('text=Send me a code')
    await tab.page.click('button[type=submit]:has-text("Sign in"):enabled')
    await tab.online()
    return tab
  }

  async online(): Promise<void> {
    await this.page.waitForSelector('.sidebar .status-online')
  }

  async startChatWith(other: Tab): Promise<void> {
    await this.page.click('[aria-label="New chat"]')
    await this.page.fill('input[name=person]', other.phoneNumber)
    await this.page.click('.person')
    await this.page.waitForSelector('.composer textarea')
  }

  async write(text: string): Promise<void> {
    await this.page.fill('.composer textarea', text)
    await this.page.press('.composer textarea', 'Enter')
  }

  async openFirstChat(): Promise<void> {
    await this.page.click('.chat-row')
    await this.page.waitForSelector('.composer textarea')
  }

  async sees(text: string): Promise<void> {
    await this.page.waitForSelector(`.bubble:has-text("${text}")`)
  }

  /** The state of the tick of one's own message. */
  async tick(text: string, state: 'sent' | 'delivered' | 'read'): Promise<void> {
    await this.page.waitForSelector(`.message.mine:has-text("${text}") .ticks-${state}`)
  }

  async accessToken(): Promise<string | undefined> {
    const kept = await this.page.evaluate<string | null>("sessionStorage.getItem('parley:tokens')")
    return (JSON.parse(kept ?? '{}') as { accessToken?: string }).accessToken
  }

  async texts(): Promise<string[]> {
    return this.page.locator('.bubble .text').allInnerTexts()
  }
}

beforeAll(async () => {
  if (CHROMIUM === undefined) return
  world = await startWorld()
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
})
afterAll(async () => {
  await browser?.close()
  await world?.close()
})

describe.skipIf(CHROMIUM === undefined)(`the chat client${why}`, () => {
  test('two tabs are two people: ticks, typing, unread and presence are seen live', async () => {
    const alice = await Tab.person('Alice')
    const bob = await Tab.person('Bob')
    await alice.startChatWith(bob)

    await alice.write('hello from the first tab')
    await alice.tick('hello from the first tab', 'delivered')
    await bob.page.waitForSelector('.chat-row .badge:has-text("1")')

    await bob.openFirstChat()
    await bob.sees('hello from the first tab')
    await alice.tick('hello from the first tab', 'read')
    await bob.page.waitForSelector('.chat-row .badge', { state: 'detached' })

    await bob.page.locator('.composer textarea').pressSequentially('and')
    await alice.page.waitForSelector('.subtitle.typing-words')
    await bob.write('and back <img src=x onerror=alert(1)>')
    await alice.sees('and back <img src=x onerror=alert(1)>')
    await alice.page.waitForSelector('.subtitle.is-online')

    expect(alice.complaints).toEqual([])
    expect(bob.complaints).toEqual([])
  })

  test('a killed server: what was written meanwhile is sent once, and a reload keeps the person', async () => {
    const carol = await Tab.person('Carol')
    const dave = await Tab.person('Dave')
    await carol.startChatWith(dave)
    await carol.write('before')
    await dave.openFirstChat()
    await dave.sees('before')

    await world.node(0).kill9()
    await carol.page.waitForSelector('.conversation > .status-waiting')
    await carol.write('written without a server')
    await carol.page.waitForSelector('.message.pending')
    await world.node(0).start()

    await dave.sees('written without a server')
    await carol.tick('written without a server', 'read')
    await carol.page.reload()
    await carol.online()
    await carol.sees('written without a server')
    expect(await carol.texts()).toEqual(['before', 'written without a server'])
    expect(await dave.texts()).toEqual(['before', 'written without a server'])
    expect(carol.complaints).toEqual([])
  })

  test('history comes page by page on the way up, without a hole', async () => {
    const erin = await world.phone('erin')
    const frank = await Tab.person('Frank')
    const [user] = await erin.client.get<{ id: string }[]>('/api/users/search', { query: frank.phoneNumber })
    const chat = await erin.client.post<{ id: string }>('/api/chats', {
      type: 'direct',
      participantIds: [user?.id],
    })
    const expected = Array.from({ length: 120 }, (_, index) => `line ${index + 1}.`)
    for (const line of expected) await erin.send(chat.id, line)

    await frank.page.waitForSelector('.chat-row .badge:has-text("120")')
    await frank.page.reload()
    await frank.online()
    await frank.openFirstChat()
    await frank.sees('line 120.')
    const first = await frank.page.locator('.message').count()
    expect(first).toBeLessThan(expected.length)
    await until('all of the history is there', async () => {
      await frank.page
        .locator('.messages')
        .evaluate((box: { scrollTo: (x: number, y: number) => void }) => box.scrollTo(0, 0))
      return (await frank.page.locator('.message').count()) === expected.length
    })
    expect(await frank.texts()).toEqual(expected)
  })

  test('signing out ends the session and leaves nothing behind', async () => {
    const grace = await Tab.person('Grace')
    const accessToken = await grace.accessToken()
    await grace.page.click('[aria-label="Sign out"]')
    await grace.page.waitForSelector('input[name=phone]')
    expect(await grace.accessToken()).toBeUndefined()
    const answer = await fetch(`${world.url}/api/users/me`, {
      headers: { authorization: `Bearer ${accessToken}` },
    })
    expect(answer.status).toBe(401)
  })

  test('the frames panel shows what goes by, and no token', async () => {
    const heidi = await Tab.person('Heidi')
    await heidi.page.click('[aria-label="Socket frames"]')
    await heidi.page.click('.frame-out button:has-text("auth:login")')
    const panel = await heidi.page.locator('.frames').innerText()
    expect(panel).toContain('••••••')
    expect(panel).not.toContain(await heidi.accessToken())
  })

  test('the documentation page draws all three panels by itself', async () => {
    const reader = await Tab.open('/docs')
    await reader.page.waitForSelector('h1:has-text("A first message")')
    await reader.page.click('nav >> text=REST')
    await reader.page.waitForSelector('.opblock-tag')
    await reader.page.click('nav >> text=Socket')
    await reader.page.waitForSelector('.event h2:has-text("message:received")')
    await reader.page.waitForSelector('.event h2:has-text("message:send")')
    expect(reader.complaints).toEqual([])
  })

  test('only the listed files are served, typed, unsniffed and cheap to ask for again', async () => {
    const page = await fetch(`${world.url}/console`)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
    const headers = { 'if-none-match': page.headers.get('etag') ?? '' }
    expect((await fetch(`${world.url}/console`, { headers })).status).toBe(304)
    for (const path of ['routes.ts', '..%2froutes.ts', 'views', 'vendor/', '%2e%2e/config.ts']) {
      expect((await fetch(`${world.url}/console/${path}`)).status, path).toBe(404)
    }
  })
})
