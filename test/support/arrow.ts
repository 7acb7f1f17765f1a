/** What readers of compressed Arrow answers need in tests: the two libraries do not bring a codec. */
import { setCompressionCodec } from '@uwdata/flechette'
import { CompressionType, compressionRegistry } from 'apache-arrow'
import { lz4FrameDecompress } from '../../pkg/pprof/lz4.ts'

const LIMIT = 256 << 20

export function installLz4(): void {
  const decode = (bytes: Uint8Array): Uint8Array => lz4FrameDecompress(bytes, LIMIT)
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode })
  setCompressionCodec(CompressionType.LZ4_FRAME, { decode } as never)
}
