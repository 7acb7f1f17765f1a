import { faultSuite } from '../../test/support/bucket-faults.ts'
import { bucketSuite } from '../../test/support/bucket-suite.ts'
import { createMemoryBucket } from './memory.ts'

let bucket = createMemoryBucket()
faultSuite('memory', {
  open: async options => (bucket = createMemoryBucket(options)),
  setFaults: plan => {
    bucket.behaviour.faults = plan
  },
  large: { size: 1_000_000, puts: 1 },
})

bucketSuite('memory', { open: async () => createMemoryBucket(), large: { size: 1_000_000, puts: 1 } })
