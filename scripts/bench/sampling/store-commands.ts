// Round trips to the stores, from the server's own counters.
export type StoreCommands = Record<string, number>

/** Of all nodes together. */
export async function readStoreCommands(urls: string[]): Promise<StoreCommands> {
  const sum: StoreCommands = {}
  for (const counts of await Promise.all(urls.map(readOne)))
    for (const [store, count] of Object.entries(counts)) sum[store] = (sum[store] ?? 0) + count
  return sum
}

async function readOne(url: string): Promise<StoreCommands> {
  const response = await fetch(`${url}/metrics`)
  if (!response.ok) return {}
  const lines = (await response.text()).matchAll(/^parley_store_commands_total\{store="(\w+)"\} (\S+)$/gm)
  return Object.fromEntries([...lines].map(([, store = '', count]) => [store, Number(count)]))
}

export function commandsPerMessage(
  before: StoreCommands,
  after: StoreCommands,
  messages: number,
): StoreCommands {
  const stores = Object.keys(after)
  return Object.fromEntries(
    stores.map((store) => [
      store,
      messages === 0 ? 0 : ((after[store] ?? 0) - (before[store] ?? 0)) / messages,
    ]),
  )
}
