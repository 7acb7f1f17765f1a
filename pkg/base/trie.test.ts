import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addChild, createTrie, findChild } from './trie.ts'

test('is a Map of paths', () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer())
  fc.assert(
    fc.property(fc.array(fc.array(key, { maxLength: 8 }), { maxLength: 400 }), paths => {
      const trie = createTrie()
      const model = new Map<string, number>([['', 0]])
      for (const path of paths) {
        let node = 0
        let text = ''
        for (const k of path) {
          const parent = node
          text += `${k};`
          node = findChild(trie, parent, k)
          assert.equal(node, model.get(text) ?? 0)
          if (node !== 0) continue
          node = addChild(trie, parent, k)
          assert.ok(node > parent, 'parents come first')
          assert.equal(model.has(text), false)
          model.set(text, node)
        }
      }
      assert.equal(trie.parent.length, model.size)
    }),
    { numRuns: 60 },
  )
})

test('past the first table, with keys that lie close together and far apart', () => {
  const trie = createTrie()
  const nodes: [number, number, number][] = []
  let node = 0
  for (let i = 0; i < 30_000; i++) {
    const parent = i % 3 === 0 ? 0 : node
    const key = i % 2 === 0 ? i : i * 65_536
    node = addChild(trie, parent, key)
    nodes.push([parent, key, node])
  }
  for (const [parent, key, want] of nodes) assert.equal(findChild(trie, parent, key), want)
  assert.equal(findChild(trie, 0, 1), 0)
  assert.deepEqual([trie.parent.array[0], trie.key.array[0]], [-1, -1])
})

test('the key -1 is a key', () => {
  const trie = createTrie()
  assert.equal(findChild(trie, 0, -1), 0)
  const node = addChild(trie, 0, -1)
  assert.equal(findChild(trie, 0, -1), node)
})
