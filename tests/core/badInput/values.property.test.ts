/** Every value PostgreSQL can hold of the types people use comes out so that PostgreSQL reads the same value back. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { recordsOf } from '#core/exports/browse.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { answered } from '#tests/core/dataMap/answered.ts';
import { openForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { expectDone } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 180_000 });

const seed = Number(process.env['FC_SEED'] ?? 20261128);

/** Every plane, what turns or hides writing, what looks like a NUL, what spreadsheets run, and what breaks readers. */
const character = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  fc.constantFrom(
    ...[
      '\u0001',
      '\u2400',
      '\u0085',
      '\u2028',
      '\u202e',
      '\u2066',
      '\ufeff',
      '\ufffe',
      '\uffff',
      '\u{10ffff}',
    ],
    ...[
      '\u{1f1ee}\u{1f1f3}',
      '\u{20000}',
      '\u{e0001}',
      'क्षि',
      '\\u0000',
      '\\',
      '"',
      "'",
      '\r\n',
      '\n',
      '\t',
      ',',
      '=1+1',
    ],
  ),
);
const words = fc.array(character, { maxLength: 12 }).map((all) => all.join('').replaceAll('\0', ''));
const digits = (most: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((all) => all.join(''));
const decimal = fc
  .tuple(fc.constantFrom('', '-'), digits(40), digits(20))
  .map(([sign, one, other]) => `${sign}${one}.${other}`);
const jsonValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('null', 'true', '-0', '1e400', '-1.50', '0.1e-320', '9007199254740993', '1E+2'),
    words.map((text) => JSON.stringify(text)),
    fc.array(tie('value'), { maxLength: 3 }).map((all) => `[${all.join(', ')}]`),
    fc
      .array(
        fc.tuple(fc.oneof(words, fc.constantFrom('__proto__', 'constructor', '', 'a', 'a')), tie('value')),
        { maxLength: 3 },
      )
      .map(
        (all) => `{${all.map(([name, value]) => `${JSON.stringify(name)} : ${String(value)}`).join(' ,')}}`,
      ),
  ),
})).value as fc.Arbitrary<string>;

/** Column, its type, and texts of values of it. */
const columns: readonly (readonly [string, string, fc.Arbitrary<string>])[] = [
  [
    'a_numeric',
    'numeric',
    fc.oneof(
      decimal,
      fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '0.000', '1e-1000', '9'.repeat(1_000)),
    ),
  ],
  ['a_scaled', 'numeric(12, 4)', fc.integer().map((whole) => `${String(whole % 10_000_000)}.5`)],
  [
    'a_double',
    'float8',
    fc.oneof(
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((each) => (Object.is(each, -0) ? '-0' : String(each))),
      fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '1e-320', '5e-324', '1.7976931348623157e308'),
    ),
  ],
  ['a_real', 'float4', fc.constantFrom('NaN', '-Infinity', '-0', '1e-45', '3.4028235e38', '0.1', '16777217')],
  [
    'a_bigint',
    'bigint',
    fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      fc.constantFrom(String(2n ** 63n - 1n), String(-(2n ** 63n)), '9007199254740993'),
    ),
  ],
  ['a_small', 'smallint', fc.constantFrom('32767', '-32768', '0')],
  ['a_bool', 'boolean', fc.constantFrom('true', 'false')],
  [
    'a_date',
    'date',
    fc.constantFrom(
      'infinity',
      '-infinity',
      '4713-01-01 BC',
      '0001-12-31 BC',
      '0001-01-01',
      '5874897-12-31',
      '2024-02-29',
    ),
  ],
  [
    'a_moment',
    'timestamptz',
    fc.constantFrom(
      'infinity',
      '-infinity',
      '4713-11-24 00:00:00+00 BC',
      '294276-12-31 23:59:59.999999+00',
      '1883-11-18 12:03:57.5-07:52:58',
      '2016-12-31 23:59:60+00',
      '2026-03-29 02:30 Europe/Berlin',
      '2026-01-01 00:00:00.000001+05:30',
    ),
  ],
  [
    'a_timestamp',
    'timestamp',
    fc.constantFrom(
      'infinity',
      '-infinity',
      '0044-03-15 12:00:00.000001 BC',
      '294276-12-31 23:59:59.999999',
      '2026-03-29 02:30',
    ),
  ],
  ['a_time', 'time', fc.constantFrom('24:00:00', '00:00:00', '23:59:59.999999')],
  ['a_zoned_time', 'timetz', fc.constantFrom('24:00:00+15:59:59', '00:00:00-15:59', '12:00:00.5+05:30')],
  [
    'an_interval',
    'interval',
    fc.constantFrom(
      '178000000 years',
      '-178000000 years',
      '1 mon -1 day +00:00:00.000001',
      '0',
      '-00:00:01',
      'infinity',
    ),
  ],
  [
    'some_bytes',
    'bytea',
    fc
      .oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(256).map((_, at) => at)))
      .map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  ],
  ['a_text', 'text', words],
  ['a_padded', 'char(12)', fc.constantFrom('', 'a', ' a ', 'क्षि')],
  ['a_mood', 'mood', fc.constantFrom('sad', 'o"k, \\', '=1')],
  ['a_domain', 'short', fc.constantFrom('', 'a', '=a')],
  ['an_address', 'inet', fc.constantFrom('::ffff:1.2.3.4/96', '10.0.0.1/8', '2001:db8::1')],
  ['a_network', 'cidr', fc.constantFrom('10.0.0.0/8', '::/0')],
  ['an_uuid', 'uuid', fc.uuid()],
  ['an_xml', 'xml', fc.constantFrom('<a b="c">&amp;</a>', 'bare text', '<a>\n</a>')],
  [
    'a_range',
    'tstzrange',
    fc.constantFrom('empty', '(,)', '[2026-01-01 00:00+05:30,infinity)', '(-infinity,2026-01-01 BC)'),
  ],
  ['a_multirange', 'int4multirange', fc.constantFrom('{}', '{[1,3),[5,)}')],
  ['some_bits', 'bit varying', fc.constantFrom('', '0101')],
  ['a_point', 'point', fc.constantFrom('(NaN,Infinity)', '(1e-320,-0)')],
  ['a_pair', 'pair', fc.constantFrom('(1,"a,b\\"")', '(,)', '(NaN,"")')],
  [
    'texts',
    'text[]',
    fc.constantFrom('{}', '{NULL,"NULL","","a\\"b\\\\"}', '{{a,b},{c,NULL}}', '[0:1]={x,y}'),
  ],
  ['numbers', 'numeric[]', fc.constantFrom('{NaN,Infinity,NULL,1.10}', '{{{1},{2}}}', '{}')],
  ['moods', 'mood[]', fc.constantFrom('{sad,NULL}', '{}')],
  ['a_document', 'jsonb', jsonValue.filter((text) => !text.includes('\\u0000') && !text.includes('1e400'))],
  ['a_text_document', 'json', jsonValue.map((text) => ` ${text}`)],
];

const schema = `
  create type public.mood as enum ('sad', 'o"k, \\', '=1');
  create domain public.short as text check (char_length(value) < 10);
  create type public.pair as (n float8, t text);
  create table public.people (id int primary key, email text not null unique);
  insert into public.people select n, 'p' || n || '@mail.example' from generate_series(1, 30) n;
  create table public.things (
    id bigint primary key, person_id int not null references public.people (id),
    ${columns.map(([name, type]) => `${name} ${type.replace(/^(mood|short|pair)/, 'public.$1')}`).join(', ')});
  create index on public.things (person_id);`;

test('what a package holds of every type, cast by PostgreSQL, is the value that was there; it verifies and is shown', async () => {
  await using database = await openForeignDatabase(schema, { bucket: false });
  const arbitrary = fc.record(
    Object.fromEntries(columns.map(([name, , values]) => [name, fc.option(values, { freq: 12 })])),
  );
  const rows = fc.sample(arbitrary, { numRuns: 150, seed });
  await database.superuser(async ({ query }) => {
    for (const [index, row] of rows.entries()) {
      const values = columns.map(([name]) => row[name] ?? null);
      const casts = columns.map(([, type], at) => `$${String(at + 3)}::text::${type}`);
      await query(`insert into public.things values ($1, $2, ${casts.join(', ')})`, [
        index + 1,
        2,
        ...values,
      ]);
    }
  });
  const administrator = database.console();
  const { text } = await expectDone(administrator, 'map.draft', { profile: 'demo:administrator' });
  const map = path.join(database.folder, 'map.yaml');
  await writeFile(map, answered(text));
  await expectDone(administrator, 'database.install', { profile: 'demo:administrator', map });
  await expectDone(administrator, 'session.signIn', { profile: 'demo:administrator' });
  await expectDone(administrator, 'staff.add', {
    login: 'operator',
    person: 'Ravi Kumar',
    roles: ['operator'],
  });
  const operator = database.console();
  await expectDone(operator, 'session.signIn', { profile: 'demo:operator' });
  const { hits } = await expectDone(operator, 'search.run', { text: 'p2@mail.example', reason: 'a test' });
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'access',
    receivedOn: '2026-11-01',
    subject: hits[0]?.subject ?? '',
  });
  const folder = await mkdtemp(path.join(database.folder, 'packages-'));
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: request.id,
    folder,
    form: 'folder',
    showOthers: true,
    reason: 'a test',
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.failure).toBeNull();
  const bag = String(job.result?.['file']);

  const lines = (await readFile(path.join(bag, 'data/records/things.jsonl'), 'utf8'))
    .split('\n')
    .slice(0, -1);
  expect(lines).toHaveLength(rows.length);
  // PostgreSQL takes the value out of the line as it stands there; a program that parses would round some.
  const taken = (name: string): string => `l.line::json ->> '${name}'`;
  const scalar = (name: string, type: string): string =>
    `(${taken(name)})::${type}::text is not distinct from t.${name}::text`;
  const same = (name: string, type: string): string => {
    if (type === 'bytea') return `decode(${taken(name)}, 'base64') is not distinct from t.${name}`;
    // Lists of decimals and of whole numbers stand as PostgreSQL writes them, as no list of JSON could.
    if (type.endsWith('[]'))
      return `case when json_typeof(l.line::json -> '${name}') = 'array' then (${taken(name)})::jsonb is not distinct from to_jsonb(t.${name}) else ${scalar(name, type)} end`;
    if (type === 'json' || type === 'jsonb')
      return `regexp_replace((l.line::json -> '${name}')::text, '\\s', '', 'g') is not distinct from coalesce(regexp_replace(t.${name}::text, '\\s', '', 'g'), 'null')`;
    return scalar(name, type);
  };
  const differing = await database.superuser(async ({ query }) => {
    const found: string[] = [];
    for (const [name, type] of columns) {
      const { rows: wrong } = await query<{ id: string; is: string; line: string }>(
        `select t.id, t.${name}::text as is, l.line::json ->> '${name}' as line from public.things t
           join unnest($1::text[]) l(line) on (l.line::json ->> 'id')::bigint = t.id
         where not (${same(name, type)})`,
        [lines],
      );
      found.push(...wrong.map((each) => `${name} ${each.id}: ${each.is} is written ${each.line}`));
    }
    return found;
  });
  expect(differing).toEqual([]);
  expect((await verifyPackage(bag)).faults).toEqual([]);
  // What is shown is what is written: texts as they are, and no number that was rounded.
  const { records } = await recordsOf(
    { file: bag, signal: new AbortController().signal },
    { collection: 'things', from: 1, limit: 500 },
  );
  expect(records).toHaveLength(rows.length);
  for (const [at, { values }] of records.entries()) {
    const written = JSON.parse(lines[at] ?? '') as Record<string, unknown>;
    expect(Object.keys(values)).toEqual(Object.keys(written));
    for (const name of ['a_text', 'a_numeric', 'a_bigint', 'a_moment', 'some_bytes'])
      expect(values[name]).toEqual(written[name]);
  }
  // The person's own page is made of the same records, and nothing in them is markup there.
  expect(await readFile(path.join(bag, 'data/index.html'), 'utf8')).toContain('U+202E');
});
