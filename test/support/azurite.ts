/** Azurite's blob service in this process, in memory, on a free port. */
import { createRequire } from 'node:module'

export interface Azurite {
  readonly account: string
  readonly key: string
  /** `http://127.0.0.1:port/account` */
  readonly endpoint: string
  readonly connectionString: string
  close(): Promise<void>
}

/** The account that every Azurite has. */
const ACCOUNT = 'devstoreaccount1'
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export async function startAzurite(): Promise<Azurite> {
  const load = createRequire(import.meta.url)
  const Server = load('azurite/dist/src/blob/BlobServer').default
  const Configuration = load('azurite/dist/src/blob/BlobConfiguration').default
  const inMemory = true
  const server = new Server(
    new Configuration(
      ...['127.0.0.1', 0, 5, 'blob.json', 'extent.json', [], false, undefined, false, undefined, false],
      // The SDK may speak a newer version than Azurite knows.
      ...[true, '', '', '', undefined, false, inMemory],
    ),
  )
  await server.start()
  const endpoint = `http://127.0.0.1:${server.httpServer.address().port}/${ACCOUNT}`
  return {
    account: ACCOUNT,
    key: KEY,
    endpoint,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${endpoint};`,
    close: () => server.close(),
  }
}
