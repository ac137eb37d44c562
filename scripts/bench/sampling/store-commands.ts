// Round trips to the stores, from the server's own counters.
export type StoreCommands = Record<string, number>

export async function readStoreCommands(url: string): Promise<StoreCommands> {
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
