import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectDone } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import {
  closeAll,
  effect,
  find,
  makeLogin,
  open,
  planDeletion,
  refusal,
  rowCount,
  someone,
  thinViews,
  value,
} from '#tests/helpers/psql.ts';
import { openCluster } from '#tests/helpers/ownCluster.ts';
import { need, oldestPostgres } from '#tests/prerequisites.ts';
import { platformCatalogue, platformRows } from './catalogueSnapshot.ts';

// The whole life of an installation on the oldest server there is: what it refuses, the newer ones' tests don't show.
test('the guard and the main job on the oldest PostgreSQL that Debian offers here', async (context) => {
  need(context, 'oldPostgres');
  const oldest = oldestPostgres();
  if (oldest === null) return;
  let before: readonly string[] = [];
  let rowsBefore: Readonly<Record<string, string>> = {};
  await using cluster = await openCluster({
    binFolder: oldest.binaries,
    async before(platform) {
      await withSuperuser(platform, platform.database, async (session) => {
        before = await platformCatalogue(session);
        rowsBefore = await platformRows(session);
      });
    },
  });
  const operator = await cluster.bare('operator');
  expect(await value<string>(operator, 'show server_version_num')).toMatch(new RegExp(`^${oldest.version}`));

  // The guard.
  const views = await thinViews(cluster);
  const person = await someone(cluster);
  expect(await refusal(operator.query('select 1 from public.users'))).toBe('42501');
  const subject = await find(operator, person);
  const seen = async (): Promise<number> => {
    let rows = 0;
    for (const view of views) rows += await rowCount(operator, `select * from privacy_console.${view}`);
    return rows;
  };
  expect(await seen()).toBe(0);
  await operator.query('begin');
  await operator.query('savepoint s');
  await open(operator, subject);
  await operator.query('release savepoint s');
  expect(await seen()).toBe(0);
  await operator.query('rollback');
  expect(await seen()).toBe(0);
  const access = await open(operator, subject);
  expect(await value(operator, 'select id::text from privacy_console.users')).toBe(person.id);
  const views_ = await cluster.superuser(
    async ({ query }) =>
      (await query<{ id: string }>('select id::text from public.page_views where user_id = $1', [person.id]))
        .rows,
  );
  const shown = await operator.query<{ id: string }>('select id::text from privacy_console.page_views');
  expect(shown.rows.map((row) => row.id).sort()).toEqual(views_.map((row) => row.id).sort());
  expect(
    await rowCount(operator, `select * from privacy_console.page_messages(${access}, null, 50)`),
  ).toBeGreaterThan(0);
  await cluster.superuser(({ query }) =>
    query(`update privacy_console.access set expires_at = clock_timestamp() + interval '300 ms'`),
  );
  const told: string[] = [];
  operator.on('notice', (notice) => told.push(notice.message ?? ''));
  await operator.query(
    `do $do$ begin for i in 1..4 loop raise notice '%', (select count(*) from privacy_console.users); perform pg_sleep(0.2); end loop; end $do$`,
  );
  expect([told[0], told.at(-1)]).toEqual(['1', '0']);
  await closeAll(cluster);

  // Attack 8, which only servers before 19 allow; attack 25, an outsider made a member of a staff login.
  await operator.query('set standard_conforming_strings = off');
  await open(operator, subject);
  const { rows: masked } = await operator.query('select * from privacy_console.users');
  expect(JSON.stringify(masked)).not.toContain(person.phone);
  await operator.query('reset all');
  await using outsider = await makeLogin(cluster, [], null);
  // Up to 14 the operator could do this alone; from 15 on somebody with the right to.
  await cluster.superuser(({ query }) => query(`grant operator to ${outsider.name}`));
  const client = await outsider.connect();
  expect(await rowCount(client, 'select * from privacy_console.users')).toBe(0);
  await client.query('set role operator');
  expect(await rowCount(client, 'select * from privacy_console.users')).toBe(0);
  expect(await refusal(effect(client, `open_access($1, null, 'a test')`, [subject]))).toBe('PC002');
  // On these a login can become its own groups; the registry asks for the session's.
  if ((await refusal(operator.query('set role privacy_operator'))) === null) {
    expect(await rowCount(operator, 'select * from privacy_console.users')).toBe(1);
    expect(
      await refusal(operator.query("select privacy_console.references_of('account', array[$1])", ['x'])),
    ).toBe('42501');
    await operator.query('reset role');
  }

  // The main job, through the console.
  const console = await cluster.signIn('operator', { batchRows: 1_000 });
  const { hits } = await expectDone(console, 'search.run', {
    text: person.name.slice(0, -1),
    reason: 'a test',
  });
  expect(hits.map((hit) => hit.subject)).toContain(subject);
  const { request } = await effect(operator, `open_request('export', current_date, '', $1)`, [subject]);
  const started = await expectDone(console, 'exports.start', {
    requestId: request as number,
    folder: cluster.folder,
  });
  const exported = await expectDone(console, 'jobs.wait', { id: started.jobId });
  expect(exported.job, JSON.stringify(exported.job)).toMatchObject({ state: 'done' });

  const { request: deletion } = await effect(operator, `open_request('deletion', current_date, '', $1)`, [
    subject,
  ]);
  const decisions = Object.fromEntries(
    Array.from({ length: 20 }, (_each, n) => [`workspaces-${n + 1}`, 'close']),
  );
  const { plan } = await expectDone(console, 'erasure.plan', { requestId: deletion as number, decisions });
  const approver = await cluster.signIn('approver');
  expect(
    await console.dispatch('erasure.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'approve',
      reason: 'as asked',
    }),
  ).toMatchObject({ ok: false, failure: { code: 'not_permitted' } });
  await expectDone(approver, 'erasure.decide', {
    planId: plan.id,
    sha256: plan.sha256,
    decision: 'approve',
    reason: 'as asked',
  });
  const run = await expectDone(console, 'erasure.run', { planId: plan.id });
  expect((await expectDone(console, 'jobs.wait', { id: run.jobId })).job).toMatchObject({
    state: 'done',
    result: { complete: true },
  });
  expect((await expectDone(console, 'search.run', { text: person.email, reason: 'a test' })).hits).toEqual(
    [],
  );
  const left = await cluster.superuser(
    async ({ query }) =>
      (
        await query('select 1 from public.users where id = $1 and email::text = $2', [
          person.id,
          person.email,
        ])
      ).rowCount,
  );
  expect(left).toBe(0);

  // A plan of somebody else can't be approved by who made it, whatever client.
  const planned = await planDeletion(operator, await someone(cluster, 1));
  expect(
    (await effect(operator, `decide_plan($1, $2, 'approve', 'mine')`, [planned.plan, planned.sha256])).ok,
  ).toBe(false);

  // The trail, staff, and the way out.
  const auditor = await cluster.signIn('auditor');
  const verified = await expectDone(auditor, 'audit.verify', {});
  expect((await expectDone(auditor, 'jobs.wait', { id: verified.jobId })).job).toMatchObject({
    result: { intact: true },
  });
  const administrator = await cluster.signIn('administrator');
  const viewer = await cluster.bare('viewer');
  await expectDone(administrator, 'staff.remove', { login: 'viewer' });
  expect(await refusal(viewer.query('select 1'))).not.toBeNull();
  const file = path.join(cluster.folder, 'trail.jsonl');
  const work = await expectDone(administrator, 'audit.export', { file });
  expect((await expectDone(administrator, 'jobs.wait', { id: work.jobId })).job.state).toBe('done');
  expect((await readFile(file, 'utf8')).split('\n').length).toBeGreaterThan(30);
  const gone = await expectDone(cluster.console(), 'database.uninstall', {
    profile: 'demo:administrator',
    trail: file,
  });
  expect(gone.remaining.filter((each) => each.startsWith('role '))).toEqual([]);
  expect(
    (await cluster.superuser(platformCatalogue)).filter((line) => !/^index .* privacy_console_/.test(line)),
  ).toEqual(before);
  // Nothing but the erased person's rows is different.
  const rowsNow = await cluster.superuser(platformRows);
  expect(rowsNow['plans']).toBe(rowsBefore['plans']);
  expect(rowsNow['users']).not.toBe(rowsBefore['users']);
}, 300_000);
