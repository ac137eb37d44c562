/** A stalled database holds a query for ever; whoever waits for it must not. */
export async function within<T>(
  timeoutMs: number,
  work: Promise<T>,
  late: () => Error = () => new Error('the database did not answer in time'),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
