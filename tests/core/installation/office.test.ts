import { expect, test } from 'vitest';
import { effect, find, refusalOf, someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

const profile = 'demo:administrator';

test('the indexes are listed, built without blocking when asked to, and nothing else of the platform’s changes', async () => {
  await using desk = await openDesk();
  const definitions = (): Promise<unknown> =>
    desk.superuser(
      async ({ query }) =>
        (
          await query(
            `select c.relname, c.relkind, c.reloptions, c.relhastriggers, c.relrowsecurity,
               (select json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0) as columns,
               (select json_agg(pg_get_constraintdef(k.oid) order by k.conname) from pg_constraint k where k.conrelid = c.oid) as constraints
             from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by c.relname`,
          )
        ).rows,
    );
  const names = (): Promise<string[]> =>
    desk.superuser(async ({ query }) =>
      (
        await query<{ name: string }>(
          `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('i', 'I') order by 1`,
        )
      ).rows.map(({ name }) => name),
    );
  const before = { definitions: await definitions(), names: await names() };
  const console = desk.console();
  const { indexes } = await expectDone(console, 'database.indexes', { profile, apply: false });
  expect(indexes.length).toBeGreaterThan(3);
  for (const { statement, purpose, state } of indexes) {
    // A partitioned table gets it part by part, which locks none of them either.
    for (const one of statement.split(';\n'))
      expect(one).toMatch(
        /^(create index concurrently |create index if not exists "[^"]+" on only |alter index "public"[.]"[^"]+" attach partition )/,
      );
    expect(purpose).not.toBe('');
    expect(state).not.toBe('invalid');
  }
  // Only looking has built nothing.
  expect(await names()).toEqual(before.names);

  await desk.superuser(async ({ query }) => {
    for (const { name } of indexes) await query(`drop index if exists public."${name}"`);
  });
  const bare = await names();
  const missing = await expectDone(console, 'database.indexes', { profile, apply: false });
  expect(new Set(missing.indexes.map(({ state }) => state))).toEqual(new Set(['missing']));
  // Somebody without the right is refused, and nothing is built.
  expect(await console.dispatch('database.indexes', { profile: 'demo:operator', apply: true })).toMatchObject(
    { ok: false },
  );
  expect(await names()).toEqual(bare);
  const built = await expectDone(console, 'database.indexes', { profile, apply: true });
  expect(new Set(built.indexes.map(({ state }) => state))).toEqual(new Set(['present']));
  const added = (await names()).filter((name) => !bare.includes(name));
  for (const { name } of indexes) expect(added).toContain(name);
  expect(await definitions()).toEqual(before.definitions);
  // Again is the same.
  const now = await names();
  await expectDone(console, 'database.indexes', { profile, apply: true });
  expect(await names()).toEqual(now);
});

test('what the map doesn’t cover is named by check and status, and stops exports, plans and runs until it is covered', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const bare = await desk.bare('operator');
  const subject = await find(bare, await someone(desk));
  const check = async (): Promise<unknown> =>
    (await expectDone(operator, 'map.check', {})).findings
      .filter((each) => each.severity === 'blocks')
      .map((each) => `${each.code} ${each.subject}`);
  const { request: wanted } = await effect(bare, `open_request('export', current_date, '', $1)`, [subject]);
  const { request: deletion } = await effect(bare, `open_request('deletion', current_date, '', $1)`, [
    subject,
  ]);
  expect(await check()).toEqual([]);
  for (const [change, undo, code, detail] of [
    [
      'create table public.diaries (user_id uuid, text text)',
      'drop table public.diaries',
      'unmapped-table',
      'public.diaries',
    ],
    [
      'alter table public.users add column shoe_size int',
      'alter table public.users drop column shoe_size',
      'unmapped-column',
      'public.users.shoe_size',
    ],
    [
      'alter table public.contacts rename column tags to labels',
      'alter table public.contacts rename column labels to tags',
      'column-gone',
      'public.contacts.tags',
    ],
    [
      'alter table public.users alter column locale type varchar(20)',
      'alter table public.users alter column locale type text',
      'type-changed',
      'public.users.locale',
    ],
  ] as const) {
    await desk.superuser(({ query }) => query(change));
    expect(await check(), change).toContain(`${code} ${detail}`);
    const status = await expectDone(desk.console(), 'database.status', { profile });
    expect(JSON.stringify(status.findings), change).toContain(detail);
    for (const call of [`begin_export(${String(wanted)})`, `draft_plan(${String(deletion)})`]) {
      const refused = await refusalOf(effect(bare, call));
      expect(refused?.code, `${change}: ${call}`).toBe('PC010');
      expect(refused?.text).toContain(detail);
    }
    await desk.superuser(({ query }) => query(undo));
    expect(await check(), undo).toEqual([]);
  }
  expect((await effect(bare, `draft_plan(${String(deletion)})`)).ok).toBe(true);
});

test('the status tells version, map and drift', async () => {
  await using desk = await openDesk();
  const console = desk.console();
  const status = await expectDone(console, 'database.status', { profile });
  expect(status).toMatchObject({
    installed: true,
    version: status.programVersion,
    mapHash: status.programMapHash,
  });
  await desk.superuser(({ query }) =>
    query(`update privacy_console.data_map set hash = 'another' where current`),
  );
  const drifted = await expectDone(console, 'database.status', { profile });
  expect(drifted).toMatchObject({ mapHash: 'another', programMapHash: status.programMapHash });
});
