import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTree, lines, stackTree } from '../../test/support/stacks.ts'
import { BY_FUNCTION, byFunction } from './by-function.ts'
import { invert, sandwich } from './filter.ts'

test('frames of one function under one parent are one node', () => {
  const tree = stackTree(
    ['m!main@a.go:1;m!f@a.go:5 1', 'm!main@a.go:2;m!f@b.go:5 2', 'm!main@a.go:1 4', '- 3'],
    'frame',
  )
  assert.equal(
    formatTree(byFunction(tree, BY_FUNCTION)),
    lines('root           total 10  self 3', '  m!main@a.go  total 7  self 4', '    m!f:5      total 3  self 3'),
  )
})

test('without a name, address and mapping tell frames apart', () => {
  const tree = stackTree(['a!0x10 1', 'b!0x10 2', 'a!0x20 4', 'a!0x10 8'], 'frame')
  assert.equal(
    formatTree(byFunction(tree, BY_FUNCTION)),
    lines(
      'root      total 15  self 0',
      '  a!0x10  total 9  self 9',
      '  a!0x20  total 4  self 4',
      '  b!0x10  total 2  self 2',
    ),
  )
})

test('a tree of functions is handed back as it is', () => {
  const tree = stackTree(['main;serve 1'])
  assert.equal(byFunction(tree, BY_FUNCTION), tree)
  assert.throws(() => byFunction(tree, { ...BY_FUNCTION, file: true }), /BUG/)
})

test('what no sample goes through is not in the result', () => {
  const tree = stackTree(['main;serve;read 3', 'main;gc 1', 'init;gc 2'])
  assert.equal(
    formatTree(sandwich(tree, 'gc', 'callers')),
    lines(
      'root    total 3  self 0',
      '  init  total 2  self 0',
      '    gc  total 2  self 2',
      '  main  total 1  self 0',
      '    gc  total 1  self 1',
    ),
  )
  assert.equal(
    formatTree(invert(sandwich(tree, 'read', 'callers'))),
    lines(
      'root        total 3  self 0',
      '  read      total 3  self 0',
      '    serve   total 3  self 0',
      '      main  total 3  self 3',
    ),
  )
})
