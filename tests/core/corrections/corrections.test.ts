/** Corrections on a platform of the test's own: copies, the platform's own times, its constraints and triggers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCatalogue } from '#core/dataMap/catalogue.ts';
import { readAndCheck } from '#core/dataMap/check/readAndCheck.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { parseMap } from '#core/dataMap/map.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { installScript } from '#core/installation/script.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { askCorrection, carryOut, propose, type Asked } from '#tests/helpers/corrections.ts';
import { effect } from '#tests/helpers/psql.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const zoe = { id: '1', email: 'zoe@person.in', name: 'Zoe', phone: '' };

/** A map of people with an account, letters they wrote, and invoices of theirs, some of which hold copies. */
function mapOf(correct: unknown = { identity: true, copies: ['bill.mail', 'person.backup'] }): string {
  const held = { group: 'All', order: ['id'], erasure: { action: 'delete' } };
  return JSON.stringify({
    version: 1,
    policy: 'made up',
    subjects: { person: { collection: 'person', key: 'id', name: 'name', email: 'mail' } },
    collections: {
      person: {
        ...held,
        table: 'app.person',
        title: 'Person',
        subject: [{ column: 'id' }],
        updatedAt: 'changed',
        columns: {
          id: 'user.unique_id',
          mail: { category: 'user.contact.email', mask: 'email', search: ['exact'], correct },
          backup: { category: 'user.contact.email', mask: 'email' },
          name: { category: 'user.name', mask: 'name', correct: true },
          nick: { category: 'user.name', mask: 'name', correct: true },
          born: { category: 'user.demographic.age_range', correct: true },
          extra: { category: 'user.content', mask: 'text', correct: true },
          changed: 'user.behavior',
        },
      },
      bill: {
        ...held,
        table: 'app.bill',
        title: 'Bill',
        subject: [{ column: 'person' }],
        columns: {
          id: 'user.unique_id',
          person: 'user.unique_id',
          mail: { category: 'user.contact.email', mask: 'email' },
          name: { category: 'user.name', mask: 'name' },
          touched: 'user.behavior',
        },
      },
      letter: {
        ...held,
        table: 'app.letter',
        title: 'Letter',
        subject: [{ column: 'sender', of: 'person', key: 'mail', ignoreCase: true }],
        columns: { id: 'user.unique_id', sender: { category: 'user.contact.email', mask: 'email' } },
      },
    },
  });
}

let desk: TestDesk;
let superuser: BareClient;
let operator: BareClient;
let asked: Asked;

async function ask<Row extends Record<string, unknown>>(text: string): Promise<Row[]> {
  return (await superuser.query<Row>(text)).rows;
}

async function install(map: string): Promise<void> {
  const parsed = parseMap(map);
  const catalogue = await readCatalogue(
    async (text, values) => (await superuser.query<Record<string, unknown>>(text, [...values])).rows,
    parsed,
  );
  await ask(`begin; ${installScript(schemaVersion, compileMap(parsed, catalogue), null, 'demo')}; commit`);
  await ask('reset role');
}

beforeAll(async () => {
  desk = await openDesk();
  superuser = await desk.bareSuperuser();
  operator = await desk.bare('operator');
  await ask(`create schema app;
    create table app.person (id integer primary key, mail text not null unique, backup varchar(40), name text check (name <> 'Nobody'), nick varchar(5), born date,
      extra jsonb, changed timestamptz not null default '2020-01-01');
    create table app.bill (id integer primary key, person integer not null references app.person, mail text, name text, touched timestamptz not null default '2020-01-01');
    create table app.letter (id integer primary key, sender text not null);
    create function app.touch() returns trigger language plpgsql as $$ begin new.touched := clock_timestamp(); return new; end $$;
    create trigger touch before update on app.bill for each row execute function app.touch();
    create function app.tidy() returns trigger language plpgsql as $$ begin
      if new.name = 'Robot' then raise exception 'No robots: %', new.mail; end if;
      new.mail := lower(new.mail); return new; end $$;
    create trigger tidy before update on app.person for each row execute function app.tidy();
    insert into app.person (id, mail, backup, name) values (1, 'zoe@person.in', 'ZOE@person.in', 'Zoe'), (2, 'taken@person.in', null, 'Two');
    insert into app.bill (id, person, mail, name) values (1, 1, 'Zoe@Person.in', 'Zoe'), (2, 1, 'zoe@person.in', 'Zoe'), (3, 1, 'other@person.in', 'Other'), (4, 2, 'zoe@person.in', 'Two');
    insert into app.letter values (1, 'zoe@person.in'), (2, 'Zoe@Person.in'), (3, 'new@person.in'), (4, 'x@person.in');`);
  await install(mapOf());
  asked = await askCorrection(operator, zoe);
});
afterAll(async () => {
  for (const session of [superuser, operator]) await session.end();
  await desk[Symbol.asyncDispose]();
});

const people = (): Promise<Record<string, unknown>[]> =>
  ask('select id, mail, backup, name, nick, born::text, extra from app.person order by id');
const bills = (): Promise<Record<string, unknown>[]> => ask('select id, mail from app.bill order by id');
const change = async (values: Record<string, string | null>): Promise<readonly string[]> =>
  (await propose(operator, asked, values, 'person')).values.map(
    ({ column, verdict }) => `${column} ${verdict}`,
  );

test('a value is written with every copy of the person’s, and taken back to what each one held', async () => {
  const before = [await people(), await bills()];
  const shown = await propose(operator, asked, { mail: 'New@person.in' }, 'person');
  expect(shown.values).toEqual([
    { column: 'mail', before: 'zoe@person.in', after: 'New@person.in', verdict: 'fits' },
  ]);
  expect(
    shown.places.map(({ role, collection, inColumn, rows }) => [role, collection, inColumn, rows]),
  ).toEqual([
    ['copy', 'bill', 'mail', 2],
    ['copy', 'person', 'backup', 1],
    ['gained', 'letter', 'sender', 1],
    ['lost', 'letter', 'sender', 2],
  ]);
  // Nothing was written by being tried.
  expect([await people(), await bills()]).toEqual(before);
  const said = await effect(operator, 'run_correction($1)', [shown.id]);
  expect(said).toMatchObject({ ok: true, copies: 3, left: 0 });
  // The platform writes it in small letters, and that is what counts as ours.
  expect(await people()).toMatchObject([
    { mail: 'new@person.in', backup: 'New@person.in' },
    { mail: 'taken@person.in' },
  ]);
  expect(await bills()).toEqual([
    { id: 1, mail: 'New@person.in' },
    { id: 2, mail: 'New@person.in' },
    { id: 3, mail: 'other@person.in' },
    { id: 4, mail: 'zoe@person.in' },
  ]);
  await ask(`update app.bill set mail = 'by@hand.in' where id = 2`);
  const { correction } = await effect(operator, `undo_correction($1, 'it was right before')`, [shown.id]);
  expect(await effect(operator, 'run_correction($1)', [correction])).toMatchObject({ ok: true, left: 1 });
  expect(await people()).toEqual(before[0]);
  expect(await bills()).toMatchObject([
    { mail: 'Zoe@Person.in' },
    { mail: 'by@hand.in' },
    {},
    { mail: 'zoe@person.in' },
  ]);
  await ask(`update app.bill set mail = 'zoe@person.in' where id = 2`);
});

test('the platform’s own time of a change is set where the map names it, and left to its trigger where that does', async () => {
  await ask(`update app.person set changed = '2020-01-01'; alter table app.bill disable trigger touch;
    update app.bill set touched = '2020-01-01'; alter table app.bill enable trigger touch;`);
  const { id } = await propose(operator, asked, { mail: 'second@person.in' }, 'person');
  expect(await carryOut(operator, id)).toBeNull();
  expect(await ask(`select id, changed > '2021-01-01' as changed from app.person order by id`)).toEqual([
    { id: 1, changed: true },
    { id: 2, changed: false },
  ]);
  expect(await ask(`select id, touched > '2021-01-01' as touched from app.bill order by id`)).toEqual([
    { id: 1, touched: true },
    { id: 2, touched: true },
    { id: 3, touched: false },
    { id: 4, touched: false },
  ]);
  const { correction } = await effect(operator, `undo_correction($1, 'it was right before')`, [id]);
  expect(await carryOut(operator, correction as number)).toBeNull();
});

test('what the database says to each value is told before anything is written, field by field', async () => {
  const before = await people();
  expect(
    await change({
      mail: 'taken@person.in',
      name: 'Nobody',
      nick: 'too long',
      born: 'yesterday, or so',
      extra: '{"a": ',
    }),
  ).toEqual(['born unfit', 'extra unfit', 'mail taken', 'name forbidden', 'nick unfit']);
  expect(await change({ name: 'Zoe' })).toEqual(['name same']);
  // A trigger that refuses, with a value in its words that nobody is told.
  expect(await change({ name: 'Robot' })).toEqual(['name forbidden']);
  expect(await people()).toEqual(before);
  const { id, values } = await propose(
    operator,
    asked,
    { name: null, nick: 'Zo', born: '1990-02-28', extra: '{"a": 1}' },
    'person',
  );
  expect(values.map(({ verdict }) => verdict)).toEqual(['fits', 'fits', 'fits', 'fits']);
  expect(await carryOut(operator, id)).toBeNull();
  expect(await people()).toMatchObject([
    { name: null, nick: 'Zo', born: '1990-02-28', extra: { a: 1 } },
    { name: 'Two' },
  ]);
  const { correction } = await effect(operator, `undo_correction($1, 'it was right before')`, [id]);
  expect(await carryOut(operator, correction as number)).toBeNull();
  expect(await people()).toEqual(before);
});

test('all of a correction is written, or nothing of it', async () => {
  const before = [await people(), await bills()];
  const shown = await propose(operator, asked, { mail: 'late@person.in', nick: 'Zo' }, 'person');
  // Somebody gets the address in between.
  await ask(`update app.person set mail = 'late@person.in' where id = 2`);
  const said = await effect(operator, 'run_correction($1)', [shown.id]);
  expect(said).toMatchObject({ ok: false, code: 'conflict' });
  expect(JSON.stringify(said)).not.toContain('person.in');
  await ask(`update app.person set mail = 'taken@person.in' where id = 2`);
  // One more row holds a copy than was shown.
  await ask(`insert into app.bill (id, person, mail) values (5, 1, 'zoe@person.in')`);
  expect(await carryOut(operator, shown.id)).toBe('conflict');
  await ask('delete from app.bill where id = 5');
  // A copy that a hold covers.
  const { hold } = await effect(
    operator,
    `place_hold(null, 'bill', '["1"]', 'Suit 12 of 2026', 'High Court', 'approver', current_date + 30)`,
  );
  expect(await carryOut(operator, shown.id)).toBe('conflict');
  await superuser.query('update privacy_console.hold set lifted_at = clock_timestamp() where id = $1', [
    hold,
  ]);
  expect([await people(), await bills()]).toEqual(before);
  expect(await carryOut(operator, shown.id)).toBeNull();
  expect(await people()).toMatchObject([{ mail: 'late@person.in', nick: 'Zo' }, {}]);
});

test('a check of the map tells where a correction leaves the platform’s own time as it was, or sets it twice', async () => {
  const said = async (change: (map: string) => string): Promise<readonly string[]> => {
    const map = parseMap(change(mapOf(true)));
    const findings = await readAndCheck(
      async (text, values) => (await superuser.query<Record<string, unknown>>(text, [...values])).rows,
      map,
      { count: null, compiled: null, signal: new AbortController().signal },
    );
    return findings
      .filter(({ code }) => /stamped/.test(code))
      .map(({ code, subject }) => `${code} ${subject}`);
  };
  expect(await said((map) => map)).toEqual([]);
  expect(await said((map) => map.replace('"updatedAt":"changed",', ''))).toEqual([
    'never-stamped app.person.changed',
  ]);
  await ask(`create or replace function app.tidy() returns trigger language plpgsql as $$ begin
    new.changed := clock_timestamp(); return new; end $$`);
  expect(await said((map) => map)).toEqual(['stamped-twice app.person.changed']);
  expect(await said((map) => map.replace('"updatedAt":"changed",', ''))).toEqual([]);
});

test.each([
  [{ copies: ['bill.person'] }, 'never correctable'],
  [{ copies: ['letter.sender'] }, 'never correctable'],
  [{ copies: ['person.mail'] }, 'the column itself'],
  [{ copies: ['bill.nothing'] }, 'has no column nothing'],
  [{ copies: ['nothing.mail'] }, 'no collection nothing'],
  [{ copies: ['mail'] }, 'write collection.column'],
  [{ copies: ['bill.touched'] }, 'of different types'],
  [{ format: 'number' }, 'format'],
  [{ identities: true }, 'identities'],
])('a map that corrects %j is refused', async (correct, says) => {
  await expect(install(mapOf(correct))).rejects.toThrow(says);
  await ask('rollback');
});
