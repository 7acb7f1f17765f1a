import { bucketSuite } from '../../test/support/bucket-suite.ts'
import { createMemoryBucket } from './memory.ts'

bucketSuite('memory', { open: async () => createMemoryBucket(), large: { size: 1_000_000, puts: 1 } })
