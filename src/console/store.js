/** Holds one immutable state and tells its listeners once for a burst of changes. */

export function createStore(reduce, initialState) {
  let state = initialState
  let told = true
  const listeners = new Set()

  function tell() {
    told = true
    for (const listener of listeners) listener(state)
  }

  return {
    get state() {
      return state
    },
    dispatch(action) {
      const next = reduce(state, action)
      if (next === state) return
      state = next
      if (!told) return
      told = false
      queueMicrotask(tell)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
