/**
 * Where the graph is zoomed, as a short text for the address: a frame, a run of narrow siblings, or a free range.
 *
 *   ''           the whole graph
 *   '7.k3f2'     the frame of that depth and path
 *   '7.k3f2~37'  37 neighbours in its row, from it on
 *   '…@a-b'      as before, but the range was moved by hand to [a, b) millionths of the graph
 */
import { type FlameModel, nodeOfToken, nodeToken } from './model.ts'

export interface Zoom {
  readonly node: number // percentages "of selection" are of it; 0 = the whole graph
  readonly x0: number // value space, [x0, x1)
  readonly x1: number
}

export function parseZoom(model: FlameModel, text: string): Zoom {
  const whole = model.length > 0 ? model.end[0]! : 0
  const [, token = '', run = '', from = '', to = ''] = /^([^~@]*)(?:~(\d+))?(?:@(\d+)-(\d+))?$/.exec(text) ?? []
  const first = nodeOfToken(model, token)
  let node = first
  let x0 = model.start[first] ?? 0
  let x1 = model.end[first] ?? 0
  if (run !== '' && first > 0) {
    node = model.parent[first]!
    const row = model.rows.indexOf(first)
    const end = Math.min(row + Number(run), model.rowStart[model.depth[first]! + 1]!)
    x1 = model.end[model.rows[Math.max(row, end - 1)]!]!
  }
  if (from !== '') {
    const [a, b] = [(Number(from) / 1e6) * whole, (Number(to) / 1e6) * whole]
    if (a < b && b <= whole) [x0, x1] = [a, b]
  }
  return x1 > x0 ? { node, x0, x1 } : { node: 0, x0: 0, x1: whole }
}

export function zoomOfNode(model: FlameModel, node: number): string {
  return nodeToken(model, node)
}

export function zoomOfRun(model: FlameModel, first: number, count: number): string {
  return count === 1 ? zoomOfNode(model, first) : `${nodeToken(model, first)}~${count}`
}

/** The same zoom, moved by hand. */
export function zoomMoved(model: FlameModel, text: string, x0: number, x1: number): string {
  const whole = model.end[0]!
  const [a, b] = [Math.floor((x0 / whole) * 1e6), Math.ceil((x1 / whole) * 1e6)]
  const base = text.replace(/@.*$/, '')
  return a <= 0 && b >= 1e6 ? '' : `${base}@${Math.max(0, a)}-${Math.min(1_000_000, b)}`
}
