/** The part of the flame graph bench that runs in the browser: drives the real view, and a naive one, frame by frame. */
import { ROW_HEIGHT } from '../../ui/flamegraph/draw.ts'
import { buildModel, type FlameModel } from '../../ui/flamegraph/model.ts'
import { LIGHT } from '../../ui/flamegraph/palette.ts'
import { createFlameView } from '../../ui/flamegraph/view.ts'
import { fakeFlame, seeded } from '../support/fake-flame.ts'

export interface PageFigures {
  readonly script: number[] // layout and draw calls of each frame, ms
  readonly whole: number[] // the same with rasterising forced, ms
  readonly naive: number[] // every rectangle drawn, rasterising forced, ms
}

const nextFrame = (): Promise<number> => new Promise(resolve => requestAnimationFrame(resolve))

let model: FlameModel

/** Apart from `run`: the bench builds on the main thread what the page builds in its worker. */
function prepare(nodes: number): void {
  model = buildModel(fakeFlame(nodes))
}

async function run(frames: number): Promise<Omit<PageFigures, 'naive'>> {
  const scroller = document.getElementById('scroller')!
  const script: number[] = []
  const whole: number[] = []
  let context: CanvasRenderingContext2D | null = null
  let forced = false
  const view = createFlameView(scroller, {
    hover() {},
    click() {},
    fit() {},
    moved() {},
    frame(ms) {
      if (!forced) {
        script.push(ms)
        return
      }
      const began = performance.now()
      context!.getImageData(0, 0, 1, 1)
      whole.push(ms + performance.now() - began)
    },
  })
  view.show(model, { palette: LIGHT, matches: null, flipped: false, cursor: -1 }, { node: 0, x0: 0, x1: model.end[0]! })
  context = scroller.querySelector('canvas')!.getContext('2d')
  await nextFrame()
  await nextFrame()
  for (forced of [false, true]) await drive(view, scroller, frames)
  view.destroy()
  return { script, whole }
}

/** Click after click into the graph and back, wheel zoom, panning, scrolling: a change before every frame. */
async function drive(view: ReturnType<typeof createFlameView>, scroller: HTMLElement, frames: number): Promise<void> {
  const random = seeded(11)
  const quarter = Math.ceil(frames / 4)
  for (let i = 0; i < quarter; i++) {
    if (i % 12 === 0) {
      const deep = i % 24 === 0
      const node = deep ? model.rows[Math.floor(model.rowStart[3]! * random())]! : 0
      view.zoomTo({ node, x0: model.start[node]!, x1: model.end[node]! }, true)
    } else view.update({}) // the animation draws anyway; at rest the same is drawn again
    await nextFrame()
  }
  view.zoomTo({ node: 0, x0: 0, x1: model.end[0]! }, false)
  for (let i = 0; i < quarter; i++) {
    view.nudge(i % 60 < 30 ? 0.88 : 1 / 0.88, scroller.clientWidth * random(), 0)
    await nextFrame()
  }
  view.nudge(0.2, scroller.clientWidth / 2, 0)
  for (let i = 0; i < quarter; i++) {
    view.nudge(1, 0, i % 80 < 40 ? 25 : -25)
    await nextFrame()
  }
  for (let i = 0; i < quarter; i++) {
    scroller.scrollTop = (i % 40) * ROW_HEIGHT
    view.update({})
    await nextFrame()
  }
}

async function naive(frames: number): Promise<number[]> {
  const scroller = document.getElementById('scroller')!
  const canvas = document.createElement('canvas')
  canvas.width = scroller.clientWidth
  canvas.height = scroller.clientHeight
  scroller.replaceChildren(canvas)
  const context = canvas.getContext('2d', { alpha: false })!
  const taken: number[] = []
  for (let f = 0; f < frames; f++) {
    const began = performance.now()
    const scale = (canvas.width / model.end[0]!) * (1 + f / 10)
    context.fillStyle = '#fff'
    context.fillRect(0, 0, canvas.width, canvas.height)
    for (let i = 0; i < model.length; i++) {
      const x = model.start[i]! * scale
      const width = (model.end[i]! - model.start[i]!) * scale
      context.fillStyle = LIGHT.fills[model.fill[i]!]!
      context.fillRect(x, model.depth[i]! * ROW_HEIGHT, width, ROW_HEIGHT - 1)
      if (width < 30) continue
      context.fillStyle = LIGHT.text
      context.fillText(model.names[model.name[i]!] ?? '', x + 5, model.depth[i]! * ROW_HEIGHT + 13, width - 10)
    }
    context.getImageData(0, 0, 1, 1)
    taken.push(performance.now() - began)
    await nextFrame()
  }
  return taken
}

Object.assign(globalThis, { flameBench: { prepare, run, naive } })
