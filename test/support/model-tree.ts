/** The dumb tree: a Map per node, a bigint per value. What the fast one is held against, in tests and benchmarks. */
import type { StackLine } from './stacks.ts'

export interface ModelNode {
  total: bigint
  self: bigint
  readonly children: Map<string, ModelNode>
}

function modelNode(): ModelNode {
  return { total: 0n, self: 0n, children: new Map() }
}

export function modelTree(samples: readonly StackLine[], nameOf: (frame: string) => string = f => f): ModelNode {
  const root = modelNode()
  for (const { stack, value } of samples) {
    let node = root
    node.total += value
    for (const frame of stack) {
      const name = nameOf(frame)
      let child = node.children.get(name)
      if (child === undefined) {
        child = modelNode()
        node.children.set(name, child)
      }
      node = child
      node.total += value
    }
    node.self += value
  }
  return root
}

/** Path → total and self; what comes to nothing in both is left out. */
export function modelPaths(root: ModelNode): Map<string, string> {
  const out = new Map<string, string>()
  const walk = (node: ModelNode, path: string): void => {
    if (node.total !== 0n || node.self !== 0n) out.set(path, `${node.total} ${node.self}`)
    for (const [name, child] of node.children) walk(child, `${path};${name}`)
  }
  walk(root, '')
  return out
}
