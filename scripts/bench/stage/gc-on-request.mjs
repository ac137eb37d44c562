// Loaded into a server that is measured, which then runs with --expose-gc: on request it collects garbage and says
// what memory it holds, so that what is weighed is what is kept and not what has not been swept yet.
process.on('message', (message) => {
  if (message !== 'weigh') return
  globalThis.gc()
  process.send({ weighed: process.memoryUsage() })
})
