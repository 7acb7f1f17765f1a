/** Loaded before every test file: a property that fails is shrunk for a minute at most, not for ever. */
import fc from 'fast-check'

fc.configureGlobal({ interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true })
