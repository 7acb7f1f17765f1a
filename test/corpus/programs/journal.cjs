// Makes node-wall.pb.gz and node-heap.pb.gz with @datadog/pprof 5.20.0 on Node 26.
const fs = require('node:fs')
const pprof = require('@datadog/pprof')

const parse = n =>
  JSON.parse(JSON.stringify({ list: Array.from({ length: n }, (_, i) => ({ i, name: `item ${i}`, tags: ['a', 'b', String(i % 7)] })) }))
const rank = ({ list }) =>
  list.map(x => ({ ...x, key: x.name.replace(/\d+/g, d => d.padStart(8, '0')) })).sort((a, b) => (a.key < b.key ? -1 : 1))

class Journal {
  lines = []
  append(rows) {
    for (const row of rows) this.lines.push(Buffer.from(JSON.stringify(row)).toString('base64'))
    if (this.lines.length > 20_000) this.lines = []
  }
}

async function main() {
  pprof.time.start({ durationMillis: 3000, intervalMicros: 2000 })
  pprof.heap.start(64 * 1024, 64)
  const journal = new Journal()
  const kept = []
  for (const end = Date.now() + 3000; Date.now() < end; ) {
    const rows = rank(parse(500))
    journal.append(rows)
    if (kept.length < 50) kept.push(rows)
  }
  fs.writeFileSync('node-wall.pb.gz', await pprof.encode(pprof.time.stop()))
  fs.writeFileSync('node-heap.pb.gz', await pprof.encode(pprof.heap.profile()))
}
main()
