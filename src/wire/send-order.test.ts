import { describe, expect, test } from 'vitest'
import { AppError, unavailable } from '../lib/errors.ts'
import { SendOrder } from './send-order.ts'

const stored: string[] = []
const append = (id: string) => async () => {
  stored.push(id)
  return id
}

const failing = (err: Error) => async (): Promise<never> => {
  throw err
}

describe('pipelined sends of one socket', () => {
  test('keep their order though the first one takes longer to prepare', async () => {
    const order = new SendOrder()
    stored.length = 0
    const slow = order.send('c', 'm1', () => new Promise((resolve) => setTimeout(resolve, 20)), append('m1'))
    await Promise.all([slow, order.send('c', 'm2', null, append('m2'))])
    expect(stored).toEqual(['m1', 'm2'])
  })

  test('wait for one whose preparing was refused for now, and go on when it came again', async () => {
    const order = new SendOrder()
    stored.length = 0
    const refused = order.send('c', 'm1', () => Promise.reject(unavailable('later')), append('m1'))
    const behind = order.send('c', 'm2', () => Promise.resolve(null), append('m2'))
    await expect(refused).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await expect(behind).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await order.send('c', 'm1', null, append('m1'))
    await order.send('c', 'm2', null, append('m2'))
    expect(stored).toEqual(['m1', 'm2'])
  })

  test('are not held up by one that was refused for good in the end', async () => {
    const order = new SendOrder()
    await order.send('c', 'm1', null, failing(unavailable('later'))).catch(() => undefined)
    await order.send('c', 'm1', null, failing(new AppError('PERMISSION_DENIED', 'no'))).catch(() => undefined)
    await expect(order.send('c', 'm2', null, append('m2'))).resolves.toBe('m2')
  })

  test('of another chat are not concerned', async () => {
    const order = new SendOrder()
    await order.send('a', 'm1', null, () => Promise.reject(unavailable('later'))).catch(() => undefined)
    await expect(order.send('b', 'm2', null, append('m2'))).resolves.toBe('m2')
  })
})
