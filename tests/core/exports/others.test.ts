/**
 * What is about somebody else, of whatever type: masked it is a text, shown it is the very text that the same value
 * is where it is the person's own; and the package's schema says a text.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCatalogue } from '#core/dataMap/catalogue.ts';
import { compileMap, describe } from '#core/dataMap/compile.ts';
import { parseMap } from '#core/dataMap/map.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { readCollection } from '#core/exports/reading.ts';
import { schemaText } from '#core/exports/schema.ts';
import type { Snapshots } from '#core/exports/snapshots.ts';
import { installScript } from '#core/installation/script.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { effect, linesOfWindow, value } from '#tests/helpers/psql.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

/** Each type with a value; the table has it twice, as the person's own and as somebody else's. */
const types = {
  whole: ['int', '42'],
  large: ['bigint', '9007199254740993'],
  exact: ['numeric', '0.1000'],
  flag: ['boolean', 'true'],
  day: ['date', `'2026-01-31'`],
  instant: ['timestamptz', `'2026-01-31 12:00+05:30'`],
  bytes: ['bytea', String.raw`'\x00ff41'`],
  document: ['jsonb', `'{"a": [1, "two"]}'`],
  typed: ['json', `'{"a":\n 1}'`],
  texts: ['text[]', `'{one,"two, three"}'`],
  words: ['text', `E'line\nline'`],
  short: ['varchar(20)', `'short'`],
  uuid: ['uuid', `'0b9f1c6e-5f0b-4f5c-9f43-2d1c3a7a1b11'`],
  mood: ['app.mood', `'calm'`],
} as const;
const names = Object.keys(types);

const map = parseMap(
  JSON.stringify({
    version: 1,
    policy: 'made up',
    subjects: { person: { collection: 'person', key: 'id', name: 'name' } },
    collections: {
      person: {
        table: 'app.person',
        title: 'Person',
        group: 'All',
        subject: [{ column: 'id' }],
        order: ['id'],
        columns: { id: 'user.unique_id', name: { category: 'user.name', search: ['exact', 'part'] } },
        erasure: { action: 'delete' },
      },
      note: {
        table: 'app.note',
        title: 'Note',
        group: 'All',
        subject: [{ column: 'person' }],
        order: ['id'],
        columns: {
          id: 'user.unique_id',
          person: 'user.unique_id',
          ...Object.fromEntries(
            names.flatMap((name) => [
              [`own_${name}`, 'user.content'],
              [`other_${name}`, { category: 'user.content', thirdParty: true }],
            ]),
          ),
        },
        erasure: { action: 'delete' },
      },
    },
  }),
);

let desk: TestDesk;
let operator: BareClient;
let superuser: BareClient;
let request: number;
let subject: string;
let described: ReturnType<typeof describe>;
beforeAll(async () => {
  desk = await openDesk();
  operator = await desk.bare('operator');
  superuser = await desk.bareSuperuser();
  const columns = Object.entries(types).flatMap(([name, [type]]) => [
    `own_${name} ${type}`,
    `other_${name} ${type}`,
  ]);
  const row = Object.values(types).flatMap(([, text]) => [text, text]);
  await superuser.query(`create schema app;
    create type app.mood as enum ('calm', 'cross');
    create table app.person (id int primary key, name text not null);
    create table app.note (id int primary key, person int not null references app.person, ${columns.join(', ')});
    insert into app.person values (1, 'Asha');
    insert into app.note values (1, 1, ${row.join(', ')});
    insert into app.note (id, person) values (2, 1)`);
  const catalogue = await readCatalogue(
    async (text, values) => (await superuser.query<Record<string, unknown>>(text, [...values])).rows,
    map,
  );
  described = describe(map, catalogue);
  await superuser.query(
    `begin; ${installScript(schemaVersion, compileMap(map, catalogue), null, 'demo')}; commit`,
  );
  await superuser.query('reset role');
  const { search } = await effect(operator, `intend_search('Asha', 50, null, 'a test')`);
  subject = await value(operator, 'select subject from privacy_console.run_search($1)', [search]);
  ({ request } = (await effect(operator, `open_request('access', current_date, '', $1)`, [subject])) as {
    readonly request: number;
  } & Awaited<ReturnType<typeof effect>>);
});
afterAll(async () => desk[Symbol.asyncDispose]());

type Line = Readonly<Record<string, unknown>>;

/** The person's notes as an export has them; the access is set by a superuser, as the platform's other tables aren't in this map. */
async function notes(showsOthers: boolean): Promise<readonly Line[]> {
  const viewing = await effect(operator, `open_access($1, null, 'a test', 15)`, [subject]);
  const access = await value<string>(
    superuser,
    `with a as (insert into privacy_console.access (staff, login_oid, kind, subject, request, opened_at, opened_xact, expires_at, entry)
         select staff, login_oid, 'export', subject, $2, opened_at, opened_xact, expires_at, entry from privacy_console.access where id = $1 returning *)
     insert into privacy_console.export (request, subject, access, staff, entry, profile, shows_others, without, map_hash)
       select request, subject, id, staff, entry, 'access', $3, '{}', 'none' from a returning access`,
    [viewing['access'], request, showsOthers],
  );
  const { rows } = await operator.query<{ line: string }>(
    'select line from privacy_console.rows_note($1, null, 1000) line',
    [access],
  );
  return linesOfWindow(rows).map((line) => JSON.parse(line) as Line);
}

/** What a value is as a text: itself, or what JSON writes of it. */
const asText = (given: unknown): unknown =>
  given === null || typeof given === 'string' ? given : JSON.stringify(given);

test('shown, each value is the text of what it is among the person’s own', async () => {
  for (const line of await notes(true))
    for (const name of names) {
      const told = line[`other_${name}`];
      const own = line[`own_${name}`];
      // A document is compared by what it says: JSON of the server has other spaces.
      if (typeof own === 'object' && own !== null) expect(JSON.parse(String(told)), name).toEqual(own);
      else expect(told, name).toEqual(asText(own));
    }
});

test('masked, each is a text that tells nothing, and what isn’t there stays so', async () => {
  const [full, empty] = await notes(false);
  for (const name of names) {
    expect(full?.[`other_${name}`], name).toBe('•••');
    expect(empty?.[`other_${name}`], name).toBeNull();
    expect(full?.[`own_${name}`], name).not.toBe('•••');
  }
});

test('the schema of the package says that it is a text', () => {
  const note = described.collections.find((each) => each.name === 'note');
  const person = described.subjects[0];
  if (note === undefined || person === undefined) throw new Error('the map has no notes');
  const { columns = [], title = '' } = readCollection({} as Snapshots, () => 1, person, note);
  const { properties } = JSON.parse(schemaText('note', title, columns)) as {
    readonly properties: Readonly<Record<string, { readonly type?: unknown; readonly pattern?: unknown }>>;
  };
  for (const name of names) {
    expect(properties[`other_${name}`]?.type, name).toEqual(['string', 'null']);
    expect(properties[`other_${name}`]?.pattern, name).toBeUndefined();
  }
  expect(properties['own_flag']?.type).toEqual(['boolean', 'null']);
});
