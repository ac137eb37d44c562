// Loaded into a child process: ends it when its parent is gone, also after kill -9, when no parent can
// pass a signal on. The parent holds the other end of an IPC channel that carries nothing.
if (process.channel) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
}
