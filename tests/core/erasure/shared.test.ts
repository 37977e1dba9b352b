/** A workspace that its owner's deletion leaves to those who work in it: from the command line, over a run that is broken off. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { readCatalogue } from '#core/dataMap/catalogue.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { parseMap, referenceMapText } from '#core/dataMap/map.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { installScript } from '#core/installation/script.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { findPerson, requestFor, run } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../../..');
const everyRow = `select 'workspace' as what, to_jsonb(w) as row from workspaces w where id = any ($1::uuid[])
  union all select 'member', to_jsonb(m) from workspace_members m where workspace_id = any ($1::uuid[]) and user_id <> $2::uuid
  union all select 'contact', to_jsonb(c) from contacts c where workspace_id = any ($1::uuid[])
  union all select 'message', to_jsonb(m) from messages m where workspace_id = any ($1::uuid[])`;

test('a shared workspace is left to its members without its owner and what tells of them', async () => {
  await using desk = await openDesk({ withBucket: true });
  const cli = (...argv: readonly string[]): Promise<{ readonly code: number; readonly text: string }> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        ['electron/cli/cli.ts', ...argv, '--profile', 'demo:operator'],
        { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
        },
      );
    });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk, true);
  const shared = await desk.superuser(
    async ({ query }) =>
      (
        await query<{ id: string; name: string; successor: string }>(
          `select w.id::text, w.name, (select m.user_id::text from workspace_members m where m.workspace_id = w.id and m.user_id <> $1
             order by m.joined_at, m.user_id limit 1) as successor
           from workspaces w where w.owner_id = $1 and exists (select from workspace_members m where m.workspace_id = w.id and m.user_id <> $1) order by w.id`,
          [person.id],
        )
      ).rows,
  );
  const ids = shared.map((each) => each.id);
  const rows = async (): Promise<readonly { what: string; row: Record<string, unknown> }[]> =>
    desk.superuser(
      async ({ query }) =>
        (await query<{ what: string; row: Record<string, unknown> }>(everyRow, [ids, person.id])).rows,
    );
  const victim = await requestFor(operator, person);
  const before = await rows();

  const decide = shared.map((_each, place) => `workspaces-${place + 1}=anonymise`);
  const planned = await cli('erase', 'plan', String(victim.request), '--decide', ...decide);
  expect(planned.code, planned.text).toBe(0);
  const [plan] = (await expectDone(operator, 'erasure.list', { requestId: victim.request, awaiting: true }))
    .plans;
  const planId = plan?.id ?? 0;
  expect(plan?.decisions[0]).toMatchObject({
    chosen: 'anonymise',
    options: [
      { value: 'hand_over' },
      { value: 'anonymise', title: 'Leave it to its members and replace what tells of the person' },
      { value: 'close' },
    ],
  });
  expect(plan?.lines).toContainEqual(
    expect.objectContaining({ collection: 'workspaces', action: 'anonymise_shared', rows: shared.length }),
  );
  // Others work in it, so two people approve.
  expect(plan?.approversNeeded).toBe(2);
  for (const each of ['approver', 'second-approver'] as const)
    await expectDone(await desk.signIn(each), 'erasure.decide', {
      planId,
      sha256: plan?.sha256 ?? '',
      decision: 'approve',
      reason: 'identity proved',
    });
  // While it is run the platform writes the old name back into one of them.
  await desk.superuser(async ({ query }) => {
    await query(`create schema platform_own`);
    await query(`create function platform_own.back() returns trigger language plpgsql security definer as $$
      begin update public.workspaces set name = 'Written back by Zoe' where id = '${ids[0] ?? ''}'; return null; end $$`);
    await query(
      'create trigger back after delete on users for each statement execute function platform_own.back()',
    );
  });
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: false, left: 1 } });
  const some = await rows();
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: true, left: 0 } });
  const after = await rows();
  const of = (what: string, all: typeof after): readonly Record<string, unknown>[] =>
    all.filter((each) => each.what === what).map(({ row }) => row);
  const byId = (all: typeof after): ReadonlyMap<unknown, Record<string, unknown>> =>
    new Map(of('workspace', all).map((row) => [row['id'], row]));
  for (const { id, name, successor } of shared) {
    const [old, half, now] = [before, some, after].map((all) => byId(all).get(id));
    expect(now).toEqual({ ...old, owner_id: successor, name: now?.['name'], settings: {} });
    expect(now?.['name']).toMatch(/^Erased [a-z]{12}$/);
    expect(now?.['name']).not.toBe(name);
    // Only what was written over is replaced once more.
    if (id !== ids[0]) expect(now).toEqual(half);
  }
  // What others wrote stays as it was.
  for (const what of ['member', 'contact', 'message'])
    expect(
      of(what, after)
        .map((row) => JSON.stringify(row))
        .sort(),
    ).toEqual(
      of(what, before)
        .map((row) => JSON.stringify(row))
        .sort(),
    );
  const { says } = await expectDone(operator, 'erasure.certificate', { planId });
  expect(says.steps).toContainEqual(
    expect.objectContaining({ action: 'anonymise_shared', planned: shared.length, left: 0 }),
  );
});

/** Puts a map in force beside the console, as an administrator alone could not. */
async function install(desk: TestDesk, text: string): Promise<void> {
  await desk.superuser(async ({ query }) => {
    const ask = async (text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
      (await query<Record<string, unknown>>(text, [...values])).rows;
    const map = parseMap(text);
    await ask(
      `begin; ${installScript(schemaVersion, compileMap(map, await readCatalogue(ask, map)), null, 'demo')}; commit`,
    );
  });
}

test('where the map doesn’t say how, nobody can decide it; where nobody has to own it, nobody does', async () => {
  await using desk = await openDesk({ withBucket: true });
  const silent = referenceMapText().replace(/ +anonymise: \{ set: \{ name: .*\n/, '');
  expect(parseMap(silent).collections['workspaces']?.shared?.anonymise).toBe(undefined);
  await install(desk, silent);
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk, true));
  const asked = await expectDone(operator, 'erasure.plan', { requestId: victim.request });
  expect(asked.plan.decisions[0]?.options.map((each) => each.value)).toEqual(['hand_over', 'close']);
  const decisions = Object.fromEntries(asked.plan.decisions.map(({ key }) => [key, 'anonymise']));
  expect(await operator.dispatch('erasure.plan', { requestId: victim.request, decisions })).toMatchObject({
    ok: false,
    failure: {
      code: 'invalid_input',
      message: "The data map doesn't say how this is anonymised; hand it over or close it.",
    },
  });
  const [last] = (await expectDone(operator, 'erasure.list', { requestId: victim.request, awaiting: false }))
    .plans;
  expect(last?.state).toBe('expired');

  await desk.superuser(({ query }) => query('alter table workspaces alter column owner_id drop not null'));
  await install(desk, referenceMapText());
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: victim.request, decisions });
  for (const each of ['approver', 'second-approver'] as const)
    await expectDone(await desk.signIn(each), 'erasure.decide', {
      ...{ planId: plan.id, sha256: plan.sha256, decision: 'approve', reason: 'identity proved' },
    });
  expect(await run(operator, plan.id)).toMatchObject({ state: 'done', result: { complete: true } });
  const { rows } = await desk.superuser(({ query }) =>
    query<{ name: string; members: number }>(
      'select name, (select count(*)::int from workspace_members m where m.workspace_id = w.id) as members from workspaces w where owner_id is null',
    ),
  );
  expect(rows).toHaveLength(plan.decisions.length);
  for (const { name, members } of rows) {
    expect(name).toMatch(/^Erased [a-z]{12}$/);
    expect(members).toBeGreaterThan(0);
  }
});
