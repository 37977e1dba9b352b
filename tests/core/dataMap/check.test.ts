import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import type { CheckFinding } from '#shared/contract/dataMap.ts';
import { canonicalMap, mapHash, parseMap, referenceMapText } from '#core/dataMap/map.ts';
import { textsOf } from '#core/dataMap/translations.ts';
import { openForeignDatabase, type ForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { answered } from './answered.ts';
import { hostile, shop } from './foreignSchemas.ts';
import { ownLoginName } from '#tests/helpers/psql.ts';

const profile = 'demo:administrator';

/** The map somebody drafted and answered, as a file beside the database. */
async function mapOf(
  database: ForeignDatabase,
  change: (text: string) => string = (text) => text,
): Promise<string> {
  const { text } = await expectDone(database.console(), 'map.draft', { profile });
  const file = path.join(database.folder, 'map.yaml');
  await writeFile(file, change(answered(text)));
  return file;
}

async function check(database: ForeignDatabase, map: string, sample = true): Promise<CheckFinding[]> {
  return (await expectDone(database.console(), 'map.checkFile', { profile, map, sample })).findings;
}

const told = (findings: readonly CheckFinding[], severity?: string): string[] =>
  findings
    // Logins are the cluster's: those that other tests make meanwhile are not this database's matter.
    .filter((each) => !ownLoginName.test(each.subject))
    .filter((each) => severity === undefined || each.severity === severity)
    .map((each) => `${each.code} ${each.subject}`);

/** Runs SQL as the platform's owner. */
async function change(database: ForeignDatabase, sql: string): Promise<void> {
  await database.superuser(({ query }) => query(`set role cloudsingh_owner; ${sql}`));
}

test('a drafted and answered map of a database nobody has seen blocks nothing, and the canonical text reads back the same', async () => {
  await using database = await openForeignDatabase(shop);
  const map = await mapOf(database);
  const findings = await check(database, map);
  expect(told(findings, 'blocks')).toEqual([]);
  expect(told(findings)).toContain('view public.customer_emails');
  expect(told(findings)).toContain('materialised-view public.customer_names');
  expect(told(findings)).toContain('path-without-index public.orders.customer_id');
  const shipped = parseMap(referenceMapText());
  expect(mapHash(parseMap(canonicalMap(shipped)))).toBe(mapHash(shipped));
});

test('each thing the map does not cover is named with a code, a severity and a sentence', async () => {
  await using database = await openForeignDatabase(shop);
  const map = await mapOf(database);
  const before = new Set(told(await check(database, map)));
  for (const [sql, undo, severity, code, subject, says] of [
    [
      'create schema other; create table other.leads (x1 text, contact_email text); insert into other.leads select $$a$$, $$a$$ || n || $$@b.example$$ from generate_series(1, 30) n',
      'drop schema other cascade',
      'blocks',
      'unmapped-table',
      'other.leads',
      /contact_email \(named like an e-mail/,
    ],
    [
      'alter table customers add column t9 text; update customers set t9 = email',
      'alter table customers drop column t9',
      'blocks',
      'unmapped-column',
      'public.customers.t9',
      /have the form of an e-mail address/,
    ],
    [
      'alter table customers rename column tel to telephone',
      'alter table customers rename column telephone to tel',
      'blocks',
      'column-gone',
      'public.customers.tel',
      /doesn’t have/,
    ],
    [
      'create table notes_on (customer_id bigint references customers on delete cascade)',
      'drop table notes_on',
      'blocks',
      'cascade-beyond-map',
      'public.notes_on.customer_id',
      /deletes those of public\.notes_on/,
    ],
    [
      'create table scores (customer_id bigint references customers on delete set null)',
      'drop table scores',
      'warns',
      'change-beyond-map',
      'public.scores.customer_id',
      /erasure refuses/,
    ],
    [
      'create table locks (customer_id bigint references customers)',
      'drop table locks',
      'warns',
      'reference-beyond-map',
      'public.locks.customer_id',
      /forbid deleting/,
    ],
    [
      'create view secrets as select pwd from customers; create view more as select pwd as p from secrets',
      'drop view secrets cascade',
      'warns',
      'view-uses-never',
      'public.more',
      /through public\.secrets/,
    ],
    [
      'create view secrets as select pwd from customers; grant select on secrets to public',
      'drop view secrets',
      'blocks',
      'view-uses-never',
      'public.secrets',
      /public may select it/,
    ],
    [
      'alter table customers enable row level security; create policy mine on customers using (id = 1)',
      'drop policy mine on customers; alter table customers disable row level security',
      'blocks',
      'row-security',
      'public.customers',
      /\(mine\) would hide rows/,
    ],
    [
      'create function gone() returns trigger language plpgsql as $f$ begin /* return old; */ return null; end $f$; create trigger gone before delete on newsletter for each row execute function gone()',
      'drop function gone cascade',
      'blocks',
      'trigger-swallows-delete',
      'public.newsletter.gone',
      /without an error/,
    ],
    [
      `alter domain email_address add constraint reachable check (value not like '%.invalid') not valid`,
      'alter domain email_address drop constraint reachable',
      'blocks',
      'replacement-breaks',
      'public.customers.email',
      /what the constraint reachable forbids/,
    ],
    [
      'alter table customers add constraint named_once unique (full_name)',
      'alter table customers drop constraint named_once',
      'blocks',
      'replacement-breaks',
      'public.customers.full_name',
      /“Erased” for everybody, and no two rows/,
    ],
    [
      `alter table customers add constraint long_name check (length(full_name) > 7)`,
      'alter table customers drop constraint long_name',
      'blocks',
      'replacement-breaks',
      'public.customers.full_name',
      /long_name forbids/,
    ],
    [
      'alter table customers alter column tel set not null',
      'alter table customers alter column tel drop not null',
      'blocks',
      'replacement-breaks',
      'public.customers.tel',
      /null, which the column never is/,
    ],
    [
      // Whoever may write a function must not have an administrator run it.
      `create function trap(text) returns boolean language plpgsql as $f$ begin return false; end $f$; alter table customers add constraint trapped check (trap(full_name)) not valid`,
      'drop function trap cascade',
      'notes',
      'replacement-untried',
      'public.customers.full_name',
      /constraint trapped was not tried/,
    ],
    [
      // In a deletion NEW is null.
      'create function touch() returns trigger language plpgsql as $f$ begin return new; end $f$; create trigger touch before delete or update on newsletter for each row execute function touch()',
      'drop function touch cascade',
      'blocks',
      'trigger-swallows-delete',
      'public.newsletter.touch',
      /return OLD/,
    ],
    [
      'create function sometimes() returns trigger language plpgsql as $f$ begin if old.id > 3 then return null; end if; return old; end $f$; create trigger sometimes before delete on newsletter for each row execute function sometimes()',
      'drop function sometimes cascade',
      'warns',
      'trigger-swallows-delete',
      'public.newsletter.sometimes',
      /may swallow/,
    ],
    [
      'create function log() returns trigger language plpgsql as $f$ begin insert into import_log (line) values (old.email); return null; end $f$; create trigger log after delete on newsletter for each row execute function log()',
      'drop function log() cascade',
      'warns',
      'trigger-needs-rights',
      'public.newsletter.log',
      /insert on "public"\."import_log"/,
    ],
    [
      'create function log() returns trigger language plpgsql security definer as $f$ begin insert into import_log (line) values (old.email); return null; end $f$; create trigger log after delete on newsletter for each row execute function log()',
      'drop function log() cascade',
      'notes',
      'trigger-runs-as-owner',
      'public.newsletter.log',
      /rights of cloudsingh_owner/,
    ],
    [
      'create rule stay as on delete to newsletter do instead nothing',
      'drop rule stay on newsletter',
      'blocks',
      'rule-instead',
      'public.newsletter.stay',
      /change nothing/,
    ],
    [
      'grant select (email) on customers to public',
      'revoke select (email) on customers from public',
      'blocks',
      'public-can-reach',
      'public.customers',
      /select/,
    ],
    [
      'insert into warehouse_bins (id, aisle, shelf) values (2, 2, 2); alter table import_log add column x text; insert into import_log (line) select $$write to a$$ || n || $$@b.example$$ from generate_series(1, 30) n',
      'alter table import_log drop column x; delete from import_log',
      'warns',
      'ignored-looks-personal',
      'public.import_log',
      /line/,
    ],
  ] as const) {
    await change(database, sql);
    const findings = await check(database, map);
    const found = findings.find((each) => each.code === code && each.subject === subject);
    expect(
      found,
      `${code} ${subject}: ${told(findings)
        .filter((each) => !before.has(each))
        .join('; ')}`,
    ).toBeDefined();
    expect(found?.severity, sql).toBe(severity);
    expect(found?.says).toMatch(says);
    expect(before.has(`${code} ${subject}`), sql).toBe(false);
    await change(database, undo);
  }
  expect(told(await check(database, map)).filter((each) => !before.has(each))).toEqual([]);
}, 120_000);

test('what is costly, kept, bare or undecided is told', async () => {
  await using database = await openForeignDatabase(`${shop}
    insert into orders (customer_id, status, remarks) select 1 + n % 9, 'paid', repeat('x', 200) from generate_series(1, 20000) n; analyze orders;`);
  const map = await mapOf(database);
  const text = await readFile(map, 'utf8');
  const findings = await check(database, map, false);
  const costly = findings.find(
    (each) => each.code === 'path-without-index' && each.subject === 'public.orders.customer_id',
  );
  expect(costly).toMatchObject({ severity: 'warns' });
  expect(costly?.says).toMatch(
    /\d{3,} pages and about 200\d\d rows, a cost of \d{3,}.*create index concurrently on "public"\."orders" \("customer_id"\)/,
  );
  expect(told(findings)).toContain('kept-row-holds public.invoices.order_id');
  expect(told(findings)).toContain('values-not-counted *');
  await change(database, 'create index on orders (customer_id)');
  expect(told(await check(database, map))).not.toContain('path-without-index public.orders.customer_id');

  const edited = async (path: readonly (string | number)[], value: unknown): Promise<CheckFinding[]> => {
    const document = parseDocument(text);
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, value);
    await writeFile(map, document.toString());
    return check(database, map);
  };
  const bare = await edited(['collections', 'newsletter', 'columns', 'email', 'mask'], undefined);
  expect(told(bare, 'warns')).toContain('masked-and-bare public.newsletter.email');
  const named = await edited(['collections', 'customers', 'columns', 'full_name', 'mask'], undefined);
  expect(told(named, 'warns')).toContain('looks-personal public.customers.full_name');
  const shown = await edited(['collections', 'customers', 'columns', 'pwd'], {
    category: 'user.name',
    mask: 'text',
  });
  expect(told(shown, 'warns')).toContain('looks-secret public.customers.pwd');
  const kept = await edited(['collections', 'orders', 'erasure', 'whenReferenced'], undefined);
  expect(told(kept, 'blocks')).toContain('kept-row-forbids-delete public.invoices.order_id');
  const open = await edited(['undecided'], [{ table: 'public.products', reason: 'nobody knows' }]);
  expect(told(open, 'blocks')).toEqual(['undecided public.products']);
});

test('hostile names are only names, in every kind of finding', async () => {
  await using database = await openForeignDatabase(hostile());
  const map = await mapOf(database);
  const bad = '"a\u001b]0;title\u0007""; drop table x; --\n\u202e"';
  await change(
    database,
    `create view ${bad} as select 1 as x; create table public.${bad} as select 1 as y; `.replace(
      `create table public.${bad}`,
      `create schema ${bad}; create table ${bad}.${bad}`,
    ) + `create table ${bad}."leads" (${bad} text)`,
  );
  const findings = await check(database, map);
  expect(told(findings, 'blocks').length).toBeGreaterThan(1);
  for (const { subject, says } of findings)
    expect(`${subject} ${says}`).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test('a catalogue that may not be read fully is unknown, and blocks', async () => {
  await using database = await openForeignDatabase(shop);
  const map = await mapOf(database);
  for (const [table, what] of [
    ['pg_trigger', 'triggers and what they run'],
    ['pg_policy', 'row-level security'],
    ['pg_constraint', 'keys and foreign keys'],
    ['pg_rewrite', 'what views are made of'],
  ]) {
    await database.superuser(({ query }) => query(`revoke select on pg_catalog.${table} from public`));
    try {
      expect(told(await check(database, map, false), 'blocks')).toContain(`catalogue-unreadable ${what}`);
    } finally {
      await database.superuser(({ query }) => query(`grant select on pg_catalog.${table} to public`));
    }
  }
});

test('the map in force is checked by staff, with the types it was compiled for and what staff can reach', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const found = async (): Promise<CheckFinding[]> => (await expectDone(operator, 'map.check', {})).findings;
  expect(told(await found(), 'blocks')).toEqual([]);
  const { hash } = await expectDone(operator, 'map.check', {});
  expect(hash).toBe(mapHash(parseMap(referenceMapText())));
  for (const [sql, undo, finding] of [
    [
      'alter table public.users alter column locale type varchar(20)',
      'alter table public.users alter column locale type text',
      'type-changed public.users.locale',
    ],
    [
      'create table public.diaries (user_id uuid, text text)',
      'drop table public.diaries',
      'unmapped-table public.diaries',
    ],
    [
      `grant select on public.plans to ${desk.secrets.logins.operator.user}`,
      `revoke select on public.plans from ${desk.secrets.logins.operator.user}`,
      `staff-can-reach ${desk.secrets.logins.operator.user}: public.plans`,
    ],
  ] as const) {
    await desk.superuser(({ query }) => query(sql));
    expect(told(await found(), 'blocks'), sql).toContain(finding);
    await desk.superuser(({ query }) => query(undo));
  }
  await desk.superuser(({ query }) =>
    query(
      `create function public.peek() returns text language sql security definer as $$ select name from public.users limit 1 $$`,
    ),
  );
  expect(told(await found(), 'warns')).toContain(
    `staff-can-run ${desk.secrets.logins.operator.user}: public.peek`,
  );
});

test('a key that comes into a mapped document later is named, without its value; one that could be a value is not told', async () => {
  await using database = await openForeignDatabase(`
    create table public.people (id int primary key, email text not null unique, prefs jsonb not null);
    insert into public.people select n, 'p' || n || '@mail.example', '{"contact": {"phone": "+91 98765"}}' from generate_series(1, 40) n`);
  const map = await mapOf(database, (text) => {
    const document = parseDocument(text);
    const names = Object.keys(parseMap(text).collections);
    document.setIn(['collections', names[0], 'columns', 'prefs'], {
      category: 'user.content',
      paths: { 'contact.phone': { category: 'user.contact.phone_number', mask: 'phone' } },
    });
    return document.toString();
  });
  const unnamed = async (): Promise<string[]> =>
    told(await check(database, map)).filter((each) => each.startsWith('unnamed-value'));
  expect(await unnamed()).toEqual([]);
  await change(
    database,
    `update people set prefs = prefs || '{"nick": "Moti", "asha@mail.example": 1}' where id < 4;
     update people set prefs = jsonb_set(prefs, '{contact,fax}', '"+91 1"') where id = 9`,
  );
  expect(await unnamed()).toEqual([
    'unnamed-value public.people.prefs: *',
    'unnamed-value public.people.prefs: contact.fax',
    'unnamed-value public.people.prefs: nick',
  ]);
  const all = JSON.stringify(await check(database, map));
  expect(all).toContain('3 of the last 1000 documents');
  for (const value of ['Moti', 'asha@', '+91']) expect(all).not.toContain(value);
  // Without looking at values nothing is said of them.
  expect(told(await check(database, map, false)).filter((each) => each.startsWith('unnamed-value'))).toEqual(
    [],
  );
});

test('a text without a translation is told for a language the map has, a translation of no text too; nothing without any', async () => {
  await using database = await openForeignDatabase(shop);
  const translated = (findings: readonly CheckFinding[]): readonly CheckFinding[] =>
    findings.filter((each) => /translat/.test(each.code));
  const map = await mapOf(database);
  expect(translated(await check(database, map, false))).toEqual([]);
  const texts = [...textsOf(parseMap(await readFile(map, 'utf8')))];
  const withHindi = (hi: Readonly<Record<string, string>>): Promise<string> =>
    mapOf(database, (text) => {
      const document = parseDocument(text);
      document.setIn(['translations'], { hi });
      return document.toString();
    });
  const all = Object.fromEntries(texts.map((each) => [each, `${each} हिन्दी`]));
  expect(translated(await check(database, await withHindi(all), false))).toEqual([]);
  const [first = '', ...others] = texts;
  const some = await withHindi({
    ...Object.fromEntries(others.map((each) => [each, 'हिन्दी'])),
    Nowhere: 'कहीं नहीं',
  });
  expect(translated(await check(database, some, false))).toEqual([
    expect.objectContaining({
      code: 'untranslated',
      subject: 'hi',
      severity: 'warns',
      says: expect.stringContaining(`“${first}”`) as string,
    }),
    expect.objectContaining({
      code: 'translation-unused',
      subject: 'hi',
      severity: 'notes',
      says: expect.stringContaining('“Nowhere”') as string,
    }),
  ]);
});

test('the shipped map says everything a person reads of it in Hindi, in its own script', () => {
  const map = parseMap(referenceMapText());
  const hindi = map.translations?.['hi'] ?? {};
  expect(new Set(Object.keys(hindi))).toEqual(textsOf(map));
  const latin = Object.entries(hindi).filter(([, text]) => !/\p{Script=Devanagari}/u.test(text));
  expect(latin.map(([text]) => text)).toEqual(['SHA-256', 'GSTIN']);
});
