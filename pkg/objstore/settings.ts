/**
 * What a bucket is opened with: the shape in which the configuration hands it over. Secrets are text; null lets the SDK
 * find credentials where the platform keeps them (environment, files, web identity, metadata service).
 */

export type BucketSettings = FilesystemBucket | S3Bucket | GcsBucket | AzureBucket

interface Prefixed {
  /** Put before every key; empty = none. */
  readonly prefix: string
}

export interface FilesystemBucket extends Prefixed {
  readonly kind: 'filesystem'
  readonly directory: string
}

export interface S3Bucket extends Prefixed {
  readonly kind: 's3'
  readonly bucket: string
  /** `host[:port]`; empty = Amazon's of the region. */
  readonly endpoint: string
  /** Empty = what the environment says, else us-east-1. */
  readonly region: string
  /** Plain HTTP. */
  readonly insecure: boolean
  readonly credentials: S3Credentials | null
  readonly lookup: 'auto' | 'path' | 'virtual-hosted'
  readonly listVersion: 1 | 2
  readonly contentMd5: boolean
  /** Bodies above this go in parts; null = in one piece always. */
  readonly partSize: number | null
  readonly encryption: S3Encryption | null
  /** Sent along with every object: `X-Amz-Storage-Class` and the like as headers, the rest as user metadata. */
  readonly metadata: Readonly<Record<string, string>>
  readonly tls: StoreTls | null
  /** null = no cap. */
  readonly maxConnections: number | null
  /** Attempts of one request; null = the default. */
  readonly maxAttempts: number | null
}

export interface S3Credentials {
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken: string | null
}

export type S3Encryption =
  | { readonly kind: 'SSE-S3' }
  | { readonly kind: 'SSE-KMS'; readonly keyId: string; readonly context: Readonly<Record<string, string>> }
  /** The file holds the 32 bytes of the key. */
  | { readonly kind: 'SSE-C'; readonly keyFile: string }

/** Files are PEM. */
export interface StoreTls {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  readonly serverName: string | null
  readonly insecureSkipVerify: boolean
}

export interface GcsBucket extends Prefixed {
  readonly kind: 'gcs'
  readonly bucket: string
  /** JSON of a service account or a workload identity; null = the platform's. */
  readonly serviceAccount: string | null
  /** Bodies above this are uploaded in chunks of it, a multiple of 256 KiB; null = the default. */
  readonly chunkSize: number | null
  readonly maxAttempts: number | null
}

export interface AzureBucket extends Prefixed {
  readonly kind: 'azure'
  readonly account: string
  readonly container: string
  /** Host after the account: `blob.core.windows.net`. */
  readonly endpoint: string
  readonly credentials: AzureCredentials
  readonly createContainer: boolean
  readonly maxAttempts: number | null
}

export type AzureCredentials =
  | { readonly kind: 'key'; readonly key: string }
  /** With an account key or with a shared access signature in it. */
  | { readonly kind: 'connection-string'; readonly text: string }
  | {
      readonly kind: 'client-secret'
      readonly tenantId: string
      readonly clientId: string
      readonly clientSecret: string
    }
  /** Workload identity where its variables are set, else the machine's; `clientId` null = the only one it has. */
  | { readonly kind: 'managed'; readonly clientId: string | null }
