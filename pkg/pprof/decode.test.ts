import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ProfileView, viewOfColumns } from '../../test/support/profile-view.ts'
import { bytes, hex, int, ints, text } from '../../test/support/protobuf.ts'
import { type DecodeLimits, decodePprof } from './decode.ts'

const noLimits: DecodeLimits = { samples: 0, strings: 0, stringLength: 0 }
const decode = (...parts: (Uint8Array | number[])[]) => decodePprof(concat(parts), noLimits)
const concat = (parts: (Uint8Array | number[])[]) => Uint8Array.from(parts.flatMap(part => [...part]))
const view = (...parts: (Uint8Array | number[])[]) => viewOfColumns(decode(...parts))

/** '' a b c d */
const strings = hex('3200 320161 320162 320163 320164')
/** One value type, a/b. */
const type = hex('0a04 0801 1002')

const empty: ProfileView = {
  sampleTypes: [],
  periodType: '/',
  period: 0n,
  timeNanos: 0n,
  durationNanos: 0n,
  defaultSampleType: '',
  dropFrames: '',
  keepFrames: '',
  comments: [],
  docUrl: '',
  mappings: [],
  functions: [],
  locations: [],
  samples: [],
}
const mapping = { start: 0n, limit: 0n, offset: 0n, file: '', buildId: '' }
const fun = { name: '', systemName: '', file: '', startLine: 0 }
const location = { mapping: -1, address: 0n, lines: [] }

// Each field by itself, in hex: tag, length where it has one, value.
for (const [what, digits, want] of [
  ['sample_type', '0a04 0801 1002', { sampleTypes: ['a/b'] }],
  ['sample_type without a unit', '0a02 0801', { sampleTypes: ['a/'] }],
  ['sample_type, empty', '0a00', { sampleTypes: ['/'] }],
  ['mapping.id, memory_start', '1a05 0801 10a006', { mappings: [{ ...mapping, start: 800n }] }],
  ['mapping.memory_limit', '1a0d 0801 18ffffffffffffffffff01', { mappings: [{ ...mapping, limit: 2n ** 64n - 1n }] }],
  ['mapping.file_offset', '1a07 0801 2080808001', { mappings: [{ ...mapping, offset: 2n ** 21n }] }],
  ['mapping.filename, build_id', '1a06 0801 2801 3002', { mappings: [{ ...mapping, file: 'a', buildId: 'b' }] }],
  ['mapping.has_*', '1a0a 0801 3801 4001 4801 5001', { mappings: [mapping] }],
  ['location.id', '2202 0801', { locations: [location] }],
  ['location.id of 64 bits', '220b 08 ffffffffffffffffff01', { locations: [location] }],
  ['location.address', '2207 0801 18ffffff7f', { locations: [{ ...location, address: 2n ** 28n - 1n }] }],
  ['location.line, empty', '2204 0801 2200', { locations: [{ ...location, lines: [{ function: -1, line: 0 }] }] }],
  ['location.line.line', '2206 0801 2202 1007', { locations: [{ ...location, lines: [{ function: -1, line: 7 }] }] }],
  [
    'location.line.line below zero',
    '220f 0801 220b 10fdffffffffffffffff01',
    { locations: [{ ...location, lines: [{ function: -1, line: -3 }] }] },
  ],
  [
    'location.line.column, is_folded',
    '220a 0801 2204 1007 1809 2801',
    { locations: [{ ...location, lines: [{ function: -1, line: 7 }] }] },
  ],
  [
    'location.mapping_id',
    '1a02 0805 2204 0801 1005',
    { mappings: [mapping], locations: [{ ...location, mapping: 0 }] },
  ],
  ['location.mapping_id that no mapping has', '2204 0801 1009', { locations: [location] }],
  [
    'location.line.function_id, inlined first',
    '220a 0801 2202 0807 2202 0808 2a02 0808 2a02 0807',
    {
      functions: [fun, fun],
      locations: [
        {
          ...location,
          lines: [
            { function: 1, line: 0 },
            { function: 0, line: 0 },
          ],
        },
      ],
    },
  ],
  ['function.id', '2a02 0801', { functions: [fun] }],
  ['function without an id', '2a02 1001', { functions: [{ ...fun, name: 'a' }] }],
  [
    'function without an id, and a line that means it',
    '2a02 1001 2204 0801 2200',
    { functions: [{ ...fun, name: 'a' }], locations: [{ ...location, lines: [{ function: 0, line: 0 }] }] },
  ],
  [
    'function.name, system_name, filename',
    '2a08 0801 1001 1802 2003',
    { functions: [{ ...fun, name: 'a', systemName: 'b', file: 'c' }] },
  ],
  ['function.start_line', '2a05 0801 288002', { functions: [{ ...fun, startLine: 256 }] }],
  ['function.start_line below zero', '2a0d 0801 28ffffffffffffffffff01', { functions: [{ ...fun, startLine: -1 }] }],
  ['drop_frames', '3804', { dropFrames: 'd' }],
  ['keep_frames', '4003', { keepFrames: 'c' }],
  ['time_nanos', '48 818080808080808010', { timeNanos: 2n ** 60n + 1n }],
  ['duration_nanos', '50 80c8afa025', { durationNanos: 10_000_000_000n }],
  ['duration_nanos below zero', '50 ffffffffffffffffff01', { durationNanos: -1n }],
  ['period_type', '5a04 0801 1002', { periodType: 'a/b' }],
  ['period_type, given in two parts', '5a02 0801 5a02 1002', { periodType: 'a/b' }],
  ['period', '60 80ade204', { period: 10_000_000n }],
  ['comment, packed', '6a03 010204', { comments: ['a', 'b', 'd'] }],
  ['comment, one each', '6801 6802 6804', { comments: ['a', 'b', 'd'] }],
  ['default_sample_type', '7002', { defaultSampleType: 'b' }],
  ['doc_url', '7803', { docUrl: 'c' }],
  ['unknown varint, fixed64, bytes, fixed32', 'a001 05 a101 0102030405060708 a201 02 ffff a501 01020304', {}],
  ['a tag longer than need be', 'aa0002 0801', { functions: [fun] }],
] as const) {
  test(`reads ${what}`, () => {
    assert.deepEqual(view(hex(digits), strings), { ...empty, ...want })
    assert.deepEqual(view(strings, hex(digits)), { ...empty, ...want })
  })
}

const locations = hex('2202 0801 2203 08c801') // ids 1 and 200
for (const [what, digits, want] of [
  ['location_id, packed', '1208 0a03 01c801 1201 05', { stack: [0, 1], values: [5n] }],
  ['location_id, one each', '1207 0801 08c801 1005', { stack: [0, 1], values: [5n] }],
  ['location_id, in several runs', '1209 0a02c801 1201 05 0801', { stack: [1, 0], values: [5n] }],
  ['no location', '1202 1005', { values: [5n] }],
  ['an empty run of locations', '1205 0a00 1201 05', { values: [5n] }],
  ['value −1, packed', '120c 120a ffffffffffffffffff01', { values: [-1n] }],
  ['value −1, not packed', '120b 10 ffffffffffffffffff01', { values: [-1n] }],
  ['the smallest value', '120c 120a 80808080808080808001', { values: [-(2n ** 63n)] }],
  ['the largest value', '120b 1209 ffffffffffffffff7f', { values: [2n ** 63n - 1n] }],
  ['value 2^32', '1207 1205 8080808010', { values: [2n ** 32n] }],
  ['value 128', '1204 1202 8001', { values: [128n] }],
  [
    'a string label',
    '1208 1001 1a04 0801 1002',
    { values: [1n], labels: [{ key: 'a', string: 'b', number: 0n, unit: '' }] },
  ],
  [
    'a numeric label',
    '120b 1001 1a07 0801 188002 2003',
    { values: [1n], labels: [{ key: 'a', string: null, number: 256n, unit: 'c' }] },
  ],
  [
    'a numeric label below zero',
    '1211 1001 1a0d 0801 18ffffffffffffffffff01',
    { values: [1n], labels: [{ key: 'a', string: null, number: -1n, unit: '' }] },
  ],
  ['a label that says nothing', '1204 1001 1a00', { values: [1n] }],
  ['an unknown field', '1206 1001 2202 ffff', { values: [1n] }],
] as const) {
  test(`reads a sample with ${what}`, () => {
    const sample = { stack: [], labels: [], ...want }
    for (const parts of [
      [type, hex(digits), locations, strings],
      [strings, locations, hex(digits), type],
      [locations, hex(digits), strings, type],
    ]) {
      const got = view(...parts)
      assert.deepEqual(got.samples, [sample])
    }
  })
}

test('ids may be sparse, in any order and 64 bits wide', () => {
  const ids = [2n ** 64n - 1n, 3n, 2n ** 53n + 1n, 2n ** 53n, 1n]
  const got = view(
    type,
    bytes(2, [...ints(1, ids, true), ...int(2, 1)]),
    ...ids.map(id => bytes(4, [...int(1, id), ...int(3, id)])),
    strings,
  )
  assert.deepEqual(got.samples[0]!.stack, [0, 1, 2, 3, 4])
  assert.deepEqual(
    got.locations.map(l => l.address),
    ids,
  )
})

test('no string table, and nothing at all but a sample type', () => {
  assert.deepEqual(view(hex('0a00')), { ...empty, sampleTypes: ['/'] })
})

test('a last string that ends in a character of several bytes', () => {
  assert.deepEqual(view(strings, text(6, 'é'), hex('6a01 05')).comments, ['é'])
  assert.deepEqual(view(hex('7005'), strings, text(6, 'é')).defaultSampleType, 'é')
})

test('a string over the limit ends before the character that crosses it, and is counted', () => {
  const profile = decodePprof(
    concat([hex('0a00 6a03 010203'), text(6, ''), text(6, 'aé€'), text(6, 'abcd'), text(6, '𐍈𐍈')]),
    { ...noLimits, stringLength: 4 },
  )
  assert.deepEqual(viewOfColumns(profile).comments, ['aé', 'abcd', '𐍈'])
  assert.equal(profile.cutStrings, 2)
})

for (const [what, digits, message] of [
  ['nothing', '', 'profile: empty body at byte 0'],
  ['a tag alone', '0a', /^profile: a field runs past the end/],
  ['a length that is not there', '0a05 08', 'sample_type: 5 bytes announced, 1 left, at byte 0'],
  ['a length of 2^63', '32 ffffffffffffffff7f', /^string_table: over 2\^31 bytes announced, 0 left, at byte 0$/],
  [
    'a varint of eleven bytes',
    '48 ffffffffffffffffffff01',
    /^profile: a field runs past .* longer than 10 bytes, at byte 0$/,
  ],
  ['field number 0', '0001', 'profile: field number 0 at byte 0'],
  ['a group', '0b 0c', 'profile.sample_type: wire type 3 does not fit at byte 0'],
  ['an unknown wire type', 'a601 00', 'profile: wire type 6 of field 20 is not known at byte 1'],
  ['a table as a number', '1001', 'profile.sample: wire type 0 does not fit at byte 0'],
  ['a number as bytes', '4a01 00', 'profile.time_nanos: wire type 2 does not fit at byte 0'],
  ['a first string that is not empty', '320161', 'string_table[0]: not empty at byte 0'],
  ['a type outside the strings', '0a02 0805 3200', 'sample_type[0].type: index outside the string table at byte 0'],
  ['a comment outside the strings', '3200 6801', /^comment\[0\]: index outside the string table/],
  ['a string index of 2^31', '2a08 0801 108080808008', 'function[0].name: index outside the string table at byte 4'],
  [
    'a negative string index',
    '2a0d 0801 20ffffffffffffffffff01',
    'function[0].filename: index outside the string table at byte 4',
  ],
  ['a filename outside the strings', '1a04 0801 2801', 'mapping[0].filename: index outside the string table at byte 4'],
  ['a mapping without an id', '1a02 1001', 'mapping[0].id: missing or 0 at byte 0'],
  ['an empty location', '2200', 'location[0].id: missing at byte 0'],
  ['a location of id 0', '2202 0800', 'location[0].id: missing or 0 at byte 0'],
  ['two functions without an id', '2a00 2a00', 'function[1].id: missing at byte 2'],
  ['an id twice', '2202 0807 2202 0801 2202 0807', 'location[2].id: 7 is given a second time at byte 8'],
  [
    'a wide id twice',
    '2a07 08ffffffffff01 2a07 08ffffffffff01',
    /^function\[1\]\.id: 68719476735 is given a second time at byte 9$/,
  ],
  [
    'a line of an unknown function',
    '2206 0801 2202 0809',
    'location[0].line.function_id: unknown function 9 at byte 6',
  ],
  ['a line longer than its location', '2206 0801 2203 0809', /^location\[0\]\.line: a field runs past/],
  ['a location id that is unknown', '0a00 1204 084d 1001', 'sample[0].location_id: unknown location 77 at byte 5'],
  ['a location id of 0', '0a00 1204 0800 1001 2202 0801', 'sample[0].location_id: unknown location 0 at byte 5'],
  [
    'a packed location id that is unknown',
    '0a00 1207 0a03 01ac02 1001 2202 0801',
    'sample[0].location_id: unknown location 300 at byte 7',
  ],
  ['a sample without a value', '0a00 1200', 'sample[0].value: 0 values for 1 sample types at byte 2'],
  ['a value too many', '0a00 1204 1202 0102', 'sample[0].value: more than 1 values for 1 sample types at byte 2'],
  ['samples without sample types', '1202 1001', 'sample[0].value: more than 0 values for 0 sample types at byte 0'],
  ['a value as fixed64', '0a00 1209 11 0102030405060708', 'sample[0].value: wire type 1 does not fit at byte 4'],
  ['a run longer than its sample', '0a00 1203 1205 01', /^sample\[0\]\.value: a field runs past the end .* at byte 4$/],
  ['a varint that leaves its run', '0a00 1204 1201 8001', /^sample\[0\]\.value: a field runs past the end/],
  [
    'a label key outside the strings',
    '0a00 1206 1001 1a02 0801',
    'sample[0].label.key: index outside the string table at byte 8',
  ],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => decode(hex(digits)),
      (error: Error & { code?: string }) => {
        assert.equal(error.name, 'RequestError')
        assert.equal(error.code, 'invalid_argument')
        if (typeof message === 'string') assert.equal(error.message, message)
        else assert.match(error.message, message)
        return true
      },
    )
  })
}

test('limits name their flag and number', () => {
  const two = concat([type, hex('1202 1001 1202 1001'), strings])
  assert.doesNotThrow(() => decodePprof(two, { ...noLimits, samples: 2, strings: 5 }))
  assert.throws(() => decodePprof(two, { ...noLimits, samples: 1 }), {
    message: 'sample: more than 1 samples (--sample-limit 1) at byte 10',
  })
  assert.throws(() => decodePprof(two, { ...noLimits, strings: 4 }), {
    message: 'string_table: more than 4 strings (--string-limit 4) at byte 25',
  })
})

test('counts that no body can hold allocate nothing', () => {
  // A million sample types and samples would make 10^12 values.
  const many = new Uint8Array(4_000_000)
  for (let i = 0; i < many.length; i += 2) many[i] = i < 2000 ? 0x0a : 0x12
  assert.throws(() => decodePprof(many, noLimits), { message: /^sample\[0\]\.value: 0 values for 1000 sample types/ })
  const types = new Uint8Array(4_000_000)
  for (let i = 0; i < types.length; i += 2) types[i] = 0x0a
  assert.throws(() => decodePprof(types, noLimits), { message: /^sample_type: more than 1024 value types/ })
  const comments = concat([strings, hex('6a80897a')])
  const long = new Uint8Array(comments.length + 2_000_000).fill(1)
  long.set(comments)
  assert.throws(() => decodePprof(long, noLimits), { message: /^comment: / })
})
