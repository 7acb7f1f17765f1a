/**
 * The page: the built files of one folder, read once at start and served from memory. Names with a hash in them never
 * change; everything else is asked for again each time. The policy lets the page load from its own origin only.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Request, Response } from 'express'
import type { Handler } from '../http.ts'

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
}

/** `name-HASH.ext` or `name.HASH.ext`, with a hash as esbuild writes it. */
const HASHED = /[-.][A-Z0-9]{8}\.[a-z0-9]+$/

interface Asset {
  readonly type: string
  readonly bytes: Buffer
  readonly gzip: Buffer | null
  readonly immutable: boolean
}

export interface PageOptions {
  readonly pageDir: string | null
  readonly pagePaths: readonly string[]
  readonly pathPrefix: string
}

export function pageHandlers({ pageDir, pagePaths, pathPrefix }: PageOptions) {
  const assets = pageDir === null ? new Map<string, Asset>() : readAssets(pageDir, pathPrefix)
  const pages = new Set(['/', ...pagePaths])
  return {
    'GET /{*page}'(request, response) {
      const name = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path
      const asset = assets.get(pages.has(name) ? '/index.html' : name)
      if (asset === undefined) {
        response.status(404).type('text/plain').send('404 page not found\n')
        return
      }
      send(request, response, asset)
    },
  } satisfies Record<string, Handler>
}

function readAssets(dir: string, pathPrefix: string): Map<string, Asset> {
  const assets = new Map<string, Asset>()
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const type = TYPES[path.extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = path.join(entry.parentPath, entry.name)
    const name = `/${path.relative(dir, file).split(path.sep).join('/')}`
    const bytes = entry.name.endsWith('.html') ? withBase(readFileSync(file), pathPrefix) : readFileSync(file)
    const gzip = gzipSync(bytes, { level: 9 })
    assets.set(name, {
      type,
      bytes,
      gzip: gzip.length < bytes.length * 0.9 ? gzip : null,
      immutable: HASHED.test(entry.name),
    })
  }
  return assets
}

/** Absolute references of the page go below the prefix. */
function withBase(html: Buffer, pathPrefix: string): Buffer {
  if (pathPrefix === '') return html
  const moved = html.toString('utf8').replace(/\b(src|href)="\/(?!\/)/g, `$1="${pathPrefix}/`)
  return Buffer.from(moved.replace(/<html\b/, `<html data-path-prefix="${pathPrefix}"`))
}

function send(request: Request, response: Response, asset: Asset): void {
  response.setHeader('content-type', asset.type)
  response.setHeader('cache-control', asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
  response.setHeader('content-security-policy', POLICY)
  response.setHeader('referrer-policy', 'no-referrer')
  response.vary('accept-encoding')
  const packed = asset.gzip !== null && request.acceptsEncodings('gzip') === 'gzip' ? asset.gzip : null
  if (packed !== null) response.setHeader('content-encoding', 'gzip')
  response.end(packed ?? asset.bytes)
}
