/** The container as configured. Loads the SDK: the only place that does. */
import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob'
import { azureToken } from './azure-token.ts'
import type { AzureBucket } from './settings.ts'

export async function azureContainer(settings: AzureBucket): Promise<ContainerClient> {
  const sdk = await import('@azure/storage-blob')
  // Trying again is the shell's.
  const options: StoragePipelineOptions = { retryOptions: { maxTries: 1 }, keepAliveOptions: { enable: true } }
  const { credentials, account, container, endpoint } = settings
  const url = /^https?:\/\//.test(endpoint) ? endpoint : `https://${account}.${endpoint}`
  const open = () => {
    switch (credentials.kind) {
      case 'connection-string':
        return sdk.BlobServiceClient.fromConnectionString(credentials.text, options)
      case 'key':
        return new sdk.BlobServiceClient(url, new sdk.StorageSharedKeyCredential(account, credentials.key), options)
      default:
        return new sdk.BlobServiceClient(url, azureToken(credentials), options)
    }
  }
  const client = open().getContainerClient(container)
  if (settings.createContainer) await client.createIfNotExists()
  return client
}
