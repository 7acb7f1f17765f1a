import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createStacks, hashFrame, internStack, STACK_SEED, type StackInterner } from './stack-table.ts'

/** Frames of a node, leaf first. */
function framesOf({ nodes }: StackInterner, node: number): number[] {
  const out: number[] = []
  for (; node !== 0; node = nodes.parent.array[node]!) out.push(nodes.key.array[node]!)
  return out
}

function functionsOf({ functions }: StackInterner, node: number): number[] {
  const out: number[] = []
  for (; node !== 0; node = functions.parent.array[node]!) out.push(functions.key.array[node]!)
  return out
}

/** Frames 2 f and 2 f + 1 are of one function. */
const KEYS = Int32Array.from({ length: 40 }, (_, frame) => frame >> 1)

const intern = (stacks: StackInterner, stack: readonly number[]): number =>
  internStack(stacks, Int32Array.from([...stack, 39]), stack.length, stack.reduce(hashFrame, STACK_SEED), KEYS)

test('the empty stack is the root', () => {
  const stacks = createStacks()
  assert.equal(intern(stacks, []), 0)
  assert.equal(stacks.nodes.parent.length, 1)
})

test('one node a stack, whose way up is the stack, and one function node for each stack of functions', () => {
  const stack = fc.array(fc.oneof(fc.nat(3), fc.nat(38)), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(stack, { maxLength: 200 }), list => {
      const stacks = createStacks()
      const nodes = new Map<string, number>()
      const functionNodes = new Map<string, number>()
      for (const frames of list) {
        const node = intern(stacks, frames)
        assert.equal(nodes.get(frames.join()) ?? node, node)
        nodes.set(frames.join(), node)
        assert.deepEqual(framesOf(stacks, node), frames)
        const of = stacks.functionNode.array[node]!
        const functions = frames.map(f => KEYS[f]!)
        assert.deepEqual(functionsOf(stacks, of), functions)
        assert.equal(functionNodes.get(functions.join()) ?? of, of)
        functionNodes.set(functions.join(), of)
      }
      assert.equal(new Set(nodes.values()).size, nodes.size)
      assert.equal(stacks.functionNode.length, stacks.nodes.parent.length)
      const { parent } = stacks.nodes
      for (let i = 1; i < parent.length; i++) assert.ok(parent.array[i]! < i)
    }),
    { numRuns: 100 },
  )
})

test('a stack that is the start of a known one, and one that goes on', () => {
  const stacks = createStacks()
  const long = intern(stacks, [5, 4, 3, 2, 1])
  const short = intern(stacks, [3, 2, 1])
  assert.equal(stacks.nodes.parent.length, 6, 'no node is made for it')
  assert.notEqual(short, long)
  assert.equal(intern(stacks, [9, 3, 2, 1]), 6)
  assert.equal(stacks.nodes.parent.array[6], short)
})

test('tens of thousands of stacks, deep ones among them', () => {
  const stacks = createStacks()
  const all = Array.from({ length: 20_000 }, (_, i) =>
    Array.from({ length: i % 1000 === 0 ? 500 : 6 }, (_, d) => (i >> d) % 38),
  )
  const nodes = all.map(stack => intern(stacks, stack))
  assert.deepEqual(
    all.map(stack => intern(stacks, stack)),
    nodes,
  )
  for (const i of [0, 777, 19_999]) assert.deepEqual(framesOf(stacks, nodes[i]!), all[i])
})
