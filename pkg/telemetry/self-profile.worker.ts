/** The worker of `self-profile.test.ts`: burns CPU or keeps memory as told. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { attachSelfProfiler } from './self-profile.ts'

type Task =
  | { readonly kind: 'leave' }
  | { readonly kind: 'burn'; readonly ms: number }
  | { readonly kind: 'keep'; readonly count: number }

const leave = attachSelfProfiler((workerData as { port: MessagePort }).port)
const kept: object[] = []

function burnThere(ms: number): number {
  const end = performance.now() + ms
  let x = 0
  while (performance.now() < end) for (let i = 0; i < 10_000; i++) x += Math.sqrt(i)
  return x
}

function keepThere(count: number): number {
  for (let i = 0; i < count; i++) kept.push({ i, half: i / 2, next: { i } })
  return kept.length
}

parentPort!.on('message', async (task: Task) => {
  if (task.kind === 'leave') {
    await leave()
    return parentPort!.close()
  }
  return parentPort!.postMessage(task.kind === 'burn' ? burnThere(task.ms) : keepThere(task.count))
})
parentPort!.postMessage('attached')
