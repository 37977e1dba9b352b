/**
 * On tables of any columns, what stands in the rows that stay keeps every
 * constraint and tells nothing of what stood there: judged by the database's
 * own constraints and by patterns of this test's own. A run that is broken off
 * and resumed replaces nothing twice; what the platform wrote meanwhile is
 * found and replaced. The same cases each time; others: MAP_SEED.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCatalogue } from '#core/dataMap/catalogue.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { parseMap } from '#core/dataMap/map.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { installScript } from '#core/installation/script.ts';
import { begin, decide, effect, lookAgain, planDeletion, type Planned } from '#tests/helpers/psql.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const seed = Number(process.env['MAP_SEED'] ?? 20261128);
const rowsOfPerson = 5;

let desk: TestDesk;
let superuser: BareClient;
let operator: BareClient;
let approver: BareClient;
beforeAll(async () => {
  desk = await openDesk();
  superuser = await desk.bareSuperuser();
  operator = await desk.bare('operator');
  approver = await desk.bare('approver');
});
afterAll(async () => {
  for (const session of [superuser, operator, approver]) await session.end();
  await desk[Symbol.asyncDispose]();
});

/** A column: its type and constraints, what its n-th row held, and what may stand there afterwards. */
interface Column {
  readonly type: string;
  readonly replace: string;
  readonly old: (n: number) => string;
  readonly becomes: RegExp | ((old: string) => string);
  readonly unique: boolean;
  readonly notNull: boolean;
  readonly consistent?: boolean;
}

const mail = /^[a-z-]+@erased\.invalid$/;
const any = fc.boolean();
const width = (least: number, most: number): fc.Arbitrary<string> =>
  fc.integer({ min: least, max: most }).map((length) => `varchar(${length})`);

function column(
  replace: string,
  types: readonly (string | fc.Arbitrary<string>)[],
  old: (n: number) => string,
  becomes: Column['becomes'],
  {
    unique = any,
    consistent = fc.constant(false),
  }: { unique?: fc.Arbitrary<boolean>; consistent?: fc.Arbitrary<boolean> } = {},
): fc.Arbitrary<Column> {
  return fc.record({
    type: fc.oneof(...types.map((each) => (typeof each === 'string' ? fc.constant(each) : each))),
    replace: fc.constant(replace),
    old: fc.constant(old),
    becomes: fc.constant(becomes),
    unique,
    notNull: any,
    consistent,
  });
}

const never = { unique: fc.constant(false) };
const perhaps = { consistent: any };
const columns: fc.Arbitrary<Column> = fc.oneof(
  column(
    'email',
    ['text', 'citext', 'mail', width(21, 50), "text check (c ~ '^[^@ ]+@[^@ ]+[.][a-z]+$')"],
    (n) => `Zoe${n}@zoe.in`,
    mail,
    perhaps,
  ),
  column('phone', ['text', 'e164', width(13, 20)], (n) => `+9198765432${10 + n}`, /^\+999\d{8,12}$/, perhaps),
  column(
    'name',
    ['text', 'char(30)', 'filled', width(6, 40)],
    (n) => `Zoe ${n}`,
    /^(Erased )?[a-z]{6,12}$/,
    perhaps,
  ),
  column(
    'text',
    ["text check (c ~ '^[a-z0-9-]+$')", 'filled', width(6, 40)],
    (n) => `zoe-${n}`,
    /^(erased-)?[a-z]{6,12}$/,
    perhaps,
  ),
  column(
    'uuid',
    ['uuid', 'text', 'varchar(36)'],
    (n) => `12345678-0000-4000-8000-0000000000${10 + n}`,
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    perhaps,
  ),
  column(
    'number',
    ['integer', 'bigint', 'numeric(12,2)', 'double precision'],
    (n) => String(1_471_147_100 + n),
    /^0(\.00)?$/,
    never,
  ),
  column(
    'number',
    ['bigint', 'numeric', 'bigint check (c > 0)'],
    (n) => String(1_471_147_100 + n),
    /^92\d{17}$/,
    {
      unique: fc.constant(true),
    },
  ),
  column(
    'month',
    ['date'],
    (n) => `2021-07-${10 + (n % 20)}`,
    () => '2021-07-01',
    never,
  ),
  column(
    'year',
    ['timestamptz', 'timestamp'],
    (n) => `2021-07-${10 + (n % 20)} 10:00:00`,
    /^2021-01-01T00:00:00/,
    never,
  ),
  column(
    'day',
    ['timestamp'],
    (n) => `2021-07-${10 + (n % 20)} 10:00:00`,
    (old) => `${old.slice(0, 10)}T00:00:00`,
    never,
  ),
  column('boolean', ['boolean'], () => 'true', /^false$/, never),
  column('enum', ['mood'], () => 'secret mood', /^calm$/, never),
  column(
    'json',
    ['jsonb', 'json', "jsonb check (jsonb_typeof(c) = 'object')"],
    (n) => `{"zoe": ${n}}`,
    /^\{\}$/,
    never,
  ),
  column('bytes', ['bytea', 'bytea'], (n) => `\\x5a6f5a6f5a6f${10 + n}`, /^\\x$/, never),
  column('bytes', ['bytea'], (n) => `\\x5a6f5a6f5a6f${10 + n}`, /^\\x657261736564[0-9a-f]{32}$/, {
    unique: fc.constant(true),
  }),
  column('empty', ['text[]'], (n) => `{"Zoe ${n}"}`, /^\[\]$/, never),
  column('empty', ['text', 'citext', 'varchar(20)'], (n) => `Zoe ${n}`, /^$/, never),
);

/** A table's columns; each has a number of rows of the person, some of which hold null where they may. */
const tables = fc.array(fc.array(columns, { minLength: 1, maxLength: 4 }), { minLength: 14, maxLength: 14 });

const types = `
  create type x.mood as enum ('calm', 'secret mood');
  create domain x.mail as varchar(40) check (value ~ '@' and length(value) > 5);
  create domain x.e164 as text check (value ~ '^[+][1-9][0-9]{7,14}$');
  create domain x.filled as varchar(30) check (value <> '');`;

function sqlOf(made: readonly (readonly Column[])[]): string {
  const parts = [
    'create schema x;',
    types,
    'create table x.people (id text primary key, mail text not null);',
    `insert into x.people values ('p', 'p@person.in'), ('o', 'o@person.in');`,
  ];
  made.forEach((its, at) => {
    const named = its.map(
      ({ type, unique, notNull }, place) =>
        `c${place} ${/^(mood|mail|e164|filled)$/.test(type) ? `x.${type}` : type.replaceAll(/\bc\b/g, `c${place}`)}${unique ? ' unique' : ''}${notNull ? ' not null' : ''}`,
    );
    parts.push(`create table x.t${at} (id integer primary key, person text not null, ${named.join(', ')});`);
    for (let n = 0; n < rowsOfPerson + 2; n += 1)
      parts.push(
        `insert into x.t${at} values (${n}, '${n < rowsOfPerson ? 'p' : 'o'}', ${its.map((each) => (n === 3 && !each.notNull ? 'null' : `'${each.old(n)}'`)).join(', ')});`,
      );
  });
  return parts.join('\n');
}

function mapOf(made: readonly (readonly Column[])[]): string {
  const held = { group: 'All', order: ['id'] };
  return JSON.stringify({
    version: 1,
    policy: 'made up',
    subjects: { person: { collection: 'people', key: 'id', name: 'mail', email: 'mail' } },
    collections: {
      people: {
        ...held,
        table: 'x.people',
        title: 'People',
        subject: [{ column: 'id' }],
        columns: { id: 'user.unique_id', mail: { category: 'user.contact.email', search: ['exact'] } },
        erasure: { action: 'anonymise', set: { mail: { replace: 'email', consistent: true } } },
      },
      ...Object.fromEntries(
        made.map((its, at) => [
          `t${at}`,
          {
            ...held,
            table: `x.t${at}`,
            title: `T${at}`,
            subject: [{ column: 'person' }],
            columns: {
              id: 'user.unique_id',
              person: 'user.unique_id',
              ...Object.fromEntries(
                its.map((_each, place) => [`c${place}`, { category: 'user.content', mask: 'text' }]),
              ),
            },
            erasure: {
              action: 'anonymise',
              set: Object.fromEntries(
                its.map(({ replace, consistent }, place) => [
                  `c${place}`,
                  { replace, ...(consistent === true ? { consistent } : {}) },
                ]),
              ),
            },
          },
        ]),
      ),
    },
  });
}

async function install(made: readonly (readonly Column[])[]): Promise<void> {
  const ask = async (text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
    (await superuser.query<Record<string, unknown>>(text, [...values])).rows;
  await ask('drop schema if exists x cascade');
  await ask(sqlOf(made));
  const map = parseMap(mapOf(made));
  const script = installScript(schemaVersion, compileMap(map, await readCatalogue(ask, map)), null, 'demo');
  await ask(`begin; ${script}; commit`);
  await ask('reset role');
  await ask(`update privacy_console.setting set value = 100000000 where name like '%per_hour';
    update privacy_console.budget set tokens = 100000000;
    update privacy_console.subject set key = null, erased_at = null, key_hash = sha256(convert_to(reference, 'UTF8'));
    insert into privacy_console.ignored_table select 'public', relname, 'no part of the case' from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') on conflict do nothing`);
}

type Values = Readonly<Record<string, unknown>>;

/** Every row of the tables, by table and key. */
async function snapshot(count: number): Promise<ReadonlyMap<string, Values>> {
  const rows = new Map<string, Values>();
  for (let at = 0; at < count; at += 1)
    for (const { id, row } of (
      await superuser.query<{ id: number; row: Values }>(`select id, to_jsonb(t) as row from x.t${at} t`)
    ).rows)
      rows.set(`${at}/${id}`, row);
  return rows;
}

/** Runs steps in batches of two rows, at most so many of them. */
async function runSome(planned: Planned, batches: number): Promise<number> {
  const begun = await begin(operator, planned);
  if (typeof begun === 'string') throw new Error(begun);
  let left = batches;
  for (const { step, action } of begun.steps) {
    if (action === 'objects') continue;
    for (let finished = false; !finished && left > 0; left -= 1) {
      const said = await effect(operator, 'erase_batch($1, $2, 2)', [begun.run, step]);
      expect(said).toMatchObject({ ok: true });
      finished = said['finished'] === true;
    }
  }
  return begun.run;
}

const say = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

test(
  'replaced values keep every constraint, tell nothing of the old ones, and are replaced once',
  { timeout: 120_000 },
  async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(tables, async (made) => {
        number += 1;
        await install(made);
        const before = await snapshot(made.length);
        const planned = await planDeletion(operator, { id: 'p', email: 'p@person.in', name: '', phone: '' });
        expect(await decide(approver, planned)).toBe(null);
        await runSome(planned, 9);
        const half = await snapshot(made.length);
        const run = await runSome(planned, Infinity);
        // The platform writes an old value back into a row that was done.
        const [first = []] = made;
        const [written] = first;
        await superuser.query(`update x.t0 set c0 = '${written?.old(40) ?? ''}' where id = 0`);
        const rewritten = await snapshot(made.length);
        const keys = await superuser.query<{ keys: number }>(
          'select count(*)::int as keys from privacy_console.replacement_key',
        );
        expect(keys.rows[0]?.keys).toBe(1);
        expect(await effect(operator, 'end_run($1, 0)', [run])).toMatchObject({ complete: false, left: 1 });
        await runSome(planned, Infinity);
        await lookAgain(operator, run);
        expect(await effect(operator, 'end_run($1, 0)', [run])).toMatchObject({ complete: true, left: 0 });
        const kept = await superuser.query<{ count: number }>(
          'select ((select count(*) from privacy_console.replacement_key) + (select count(*) from privacy_console.replacement))::int as count',
        );
        expect(kept.rows[0]?.count).toBe(0);
        const after = await snapshot(made.length);
        made.forEach((its, at) => {
          for (let n = 0; n < rowsOfPerson + 2; n += 1) {
            const [old, some, last, now] = [before, half, rewritten, after].map(
              (each) => each.get(`${at}/${n}`) ?? {},
            );
            if (n >= rowsOfPerson) {
              expect(now).toEqual(old);
              continue;
            }
            its.forEach((each, place) => {
              const name = `c${place}`;
              const [was, half, then, is] = [old, some, last, now].map((row) => row?.[name]);
              // Once replaced, never again; but what was written over it.
              if (say(half) !== say(was))
                expect(is, name).toEqual(at === 0 && n === 0 && place === 0 ? is : half);
              if (!(at === 0 && n === 0 && place === 0)) expect(is, name).toEqual(then);
              if (was === null) {
                expect(is).toBe(null);
                return;
              }
              const text = each.type === 'char(30)' ? say(is).trimEnd() : say(is);
              if (typeof each.becomes === 'function')
                expect(text).toBe(each.becomes(each.old(at === 0 && n === 0 && place === 0 ? 40 : n)));
              else expect(text).toMatch(each.becomes);
            });
            const randomly = its.every(
              ({ becomes, replace }) => typeof becomes !== 'function' && !['year'].includes(replace),
            );
            if (randomly)
              expect(JSON.stringify(now).toLowerCase()).not.toMatch(
                // Longer than what random letters and digits come to by chance.
                /zoe[ \d.-]|"zoe|98765432|14711471|12345678-0000|5a6f5a6f5a6f|secret/,
              );
          }
        });
        // Alike where the map wants it: the n-th values of two such columns of a kind and a length were the same.
        const alike = new Map<string, string>();
        made.forEach((its, at) => {
          its.forEach(({ type, replace, consistent, unique }, place) => {
            if (consistent !== true || !/^(text|citext|uuid)$/.test(type)) return;
            for (let n = 1; n < rowsOfPerson; n += 1) {
              const is = after.get(`${at}/${n}`)?.[`c${place}`];
              if (is === null || unique) continue;
              const known = alike.get(`${replace} ${n}`);
              if (known !== undefined) expect(is).toBe(known);
              alike.set(`${replace} ${n}`, say(is));
            }
          });
        });
      }),
      { numRuns: 4, seed, endOnFailure: true },
    );
    expect(number).toBe(4);
  },
);
