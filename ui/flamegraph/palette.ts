/**
 * Colours of frames: a hue a package, calm and even in lightness, so that nothing shouts but search. Runtime and kernel
 * code is grey, which leaves the colour to the code people can change. Text reaches 4.5:1 on every fill (a test holds it).
 */
import { hashText } from './hash.ts'

export interface Palette {
  readonly fills: readonly string[] // 0 is the neutral one
  readonly hover: string // drawn over the fill
  readonly text: string
  readonly match: string
  readonly matchText: string
  readonly stripe: string
  readonly cursor: string
  readonly background: string
}

const HUES = [255, 20, 145, 300, 75, 200, 345, 110, 230, 50, 175, 320] as const

export const LIGHT: Palette = {
  fills: ['#e3e6ea', ...HUES.map(h => oklch(0.86, 0.07, h))],
  hover: 'rgba(20, 30, 50, 0.14)',
  text: '#1c2430',
  match: '#ffc933',
  matchText: '#2b1d00',
  stripe: 'rgba(40, 50, 70, 0.30)',
  cursor: '#0b57d0',
  background: '#ffffff',
}

export const DARK: Palette = {
  fills: ['#3a424d', ...HUES.map(h => oklch(0.42, 0.065, h))],
  hover: 'rgba(255, 255, 255, 0.16)',
  text: '#eef2f7',
  match: '#e0a100',
  matchText: '#1d1300',
  stripe: 'rgba(220, 230, 245, 0.28)',
  cursor: '#8ab4ff',
  background: '#14181d',
}

/** The fill of a frame: by package, else by file, else by mapping. */
export function fillOf(name: string, file: string, mapping: string): number {
  const group = packageOf(name, file, mapping)
  return isRuntime(group, name) ? 0 : 1 + (mix(hashText(group)) % HUES.length)
}

/** `net/http` of `net/http.(*conn).serve`; the package of a file under node_modules; else the file or the mapping. */
export function packageOf(name: string, file: string, mapping: string): string {
  const modules = file.lastIndexOf('node_modules/')
  if (modules >= 0) {
    const parts = file.slice(modules + 13).split('/')
    return parts[0]!.startsWith('@') ? `${parts[0]}/${parts[1] ?? ''}` : parts[0]!
  }
  if (file.startsWith('node:')) return 'node:'
  if (/\.[cm]?[jt]sx?$/.test(file)) return file.slice(0, Math.max(0, file.lastIndexOf('/'))) || file
  const go = /^([\w.\-~/]*\/)?([\w-]+)\.[(\w]/.exec(name)
  if (go) return `${go[1] ?? ''}${go[2]}`
  const scoped = name.indexOf('::')
  if (scoped > 0) return name.slice(0, scoped)
  return mapping || file || name
}

function isRuntime(group: string, name: string): boolean {
  return (
    group === 'node:' ||
    group === 'runtime' ||
    group.startsWith('runtime/') ||
    group.startsWith('internal/runtime') ||
    group.startsWith('[') ||
    name.startsWith('(') ||
    name.startsWith('[')
  )
}

function mix(h: number): number {
  h ^= h >>> 16
  return Math.imul(h, 0x7feb352d) >>> 8
}

/** OKLCH to sRGB as `#rrggbb`; channels outside the gamut are clipped. */
function oklch(lightness: number, chroma: number, hue: number): string {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const channels = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]
  return `#${channels.map(channelHex).join('')}`
}

function channelHex(linear: number): string {
  const x = Math.min(1, Math.max(0, linear))
  const encoded = x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055
  return Math.round(encoded * 255)
    .toString(16)
    .padStart(2, '0')
}
