import { expect, test, vi } from 'vitest';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { approve, expectEndedRight, findPerson, putObjects, requestFor, run } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Deletions wait so long before anything goes. */
async function wait(desk: TestDesk, minutes: number): Promise<void> {
  await desk.superuser(({ query }) =>
    query(
      `insert into privacy_console.setting values ('grace_minutes', $1) on conflict (name) do update set value = excluded.value`,
      [minutes],
    ),
  );
}

/** How many rows of the person still write for them. */
async function writing(desk: TestDesk, id: string, workspace: string): Promise<Record<string, number>> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<Record<string, number>>(
      `select (select count(*)::int from campaigns where workspace_id = $2 and status in ('scheduled', 'running')) as campaigns,
         (select count(*)::int from api_keys where workspace_id = $2 and revoked_at is null) as keys,
         (select count(*)::int from dashboard_sessions where user_id = $1 and ended_at is null) as logins,
         (select count(*)::int from whatsapp_sessions where workspace_id = $2 and status <> 'logged_out') as sessions,
         (select count(*)::int from users where id = $1) as users`,
      [id, workspace],
    );
    return rows[0] ?? {};
  });
}

test('what writes for the person comes to rest at once; nothing goes before its time, and it can be called off', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 3);
  await desk.superuser(({ query }) =>
    query(
      `insert into campaigns (workspace_id, created_by, name, status) values ($2, $1, 'To come', 'scheduled')`,
      [victim.id, victim.workspace],
    ),
  );
  await wait(desk, 60);
  const planned = await approve(desk, operator, victim);
  expect(
    planned.lines.find((line) => line.action === 'quiesce' && line.collection === 'campaigns'),
  ).toMatchObject({ rows: 1 });
  const before = await writing(desk, victim.id, victim.workspace);
  expect(before['campaigns']).toBe(1);
  const job = await run(operator, planned.id);
  expect(job).toMatchObject({ state: 'done', result: { complete: false, waiting: true } });
  expect(await writing(desk, victim.id, victim.workspace)).toEqual({
    campaigns: 0,
    keys: 0,
    logins: 0,
    sessions: 0,
    users: 1,
  });
  expect(await desk.bucket?.list()).toHaveLength(3);
  const early = await operator.dispatch('erasure.run', { planId: planned.id });
  expect(early).toMatchObject({
    ok: false,
    failure: {
      code: 'conflict',
      message: 'The deletion waits until its time has come; until then it can be called off.',
    },
  });

  // An approver calls it off; the approval is spent with it.
  const approver = await desk.signIn('approver');
  const { plan } = await expectDone(approver, 'erasure.cancel', {
    planId: planned.id,
    reason: 'the person has thought again',
  });
  expect(plan).toMatchObject({ state: 'expired', run: { state: 'cancelled' } });
  expect(await operator.dispatch('erasure.run', { planId: planned.id })).toMatchObject({
    ok: false,
    failure: { code: 'refused' },
  });
  expect(await writing(desk, victim.id, victim.workspace)).toMatchObject({ users: 1 });

  // Planned anew it waits anew, and ends once its time has come.
  const again = await approve(desk, operator, victim);
  expect(await run(operator, again.id)).toMatchObject({ result: { waiting: true } });
  await desk.superuser(({ query }) =>
    query('update privacy_console.run set due_at = clock_timestamp() where plan = $1', [again.id]),
  );
  expect(await run(operator, again.id)).toMatchObject({ state: 'done', result: { complete: true } });
  await expectEndedRight(desk, victim, again.id);
  expect(
    await operator.dispatch('erasure.cancel', { planId: again.id, reason: 'too late for that' }),
  ).toMatchObject({
    ok: false,
    failure: { code: 'conflict', message: 'This deletion is over already.' },
  });
});

test('in production a deletion waits for a day unless told otherwise', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  const planned = await approve(desk, operator, victim);
  await desk.superuser(({ query }) =>
    query(`update privacy_console.installation set environment = 'production'`),
  );
  expect(await run(operator, planned.id)).toMatchObject({ result: { waiting: true } });
  const { plan } = await expectDone(operator, 'erasure.show', { planId: planned.id });
  const hours = (Date.parse(plan.run?.dueAt ?? '') - Date.parse(plan.run?.startedAt ?? '')) / 3_600_000;
  expect(hours).toBeCloseTo(24, 1);
});

test('what people have to do before keeps everything from going, and what they have to do after from being done', async () => {
  await using desk = await openDesk({ withBucket: true });
  await desk.superuser(({ query }) =>
    query(
      `insert into privacy_console.map_task values ('account', 'gateway', 'Disconnect the gateway', 'Platform', 'before'),
         ('account', 'mailbox', 'Delete the mail about the person', 'Support', 'after'), ('recipient', 'other', 'Not asked here', 'Nobody', 'after')`,
    ),
  );
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  const planned = await approve(desk, operator, victim);
  expect(planned.tasks.map(({ name, when, doneBy }) => [name, when, doneBy])).toEqual([
    ['gateway', 'before', null],
    ['mailbox', 'after', null],
  ]);
  expect(await run(operator, planned.id)).toMatchObject({ result: { waiting: true, tasks: 1 } });
  expect(await writing(desk, victim.id, victim.workspace)).toMatchObject({ logins: 0, users: 1 });
  const record = (task: string): ReturnType<typeof operator.dispatch> =>
    operator.dispatch('erasure.doTask', { planId: planned.id, task, evidence: 'ticket 4711' });
  expect(await record('other')).toMatchObject({ ok: false, failure: { code: 'not_found' } });
  expect(await record('gateway')).toMatchObject({ ok: true });
  expect(await record('gateway')).toMatchObject({ ok: false, failure: { code: 'not_found' } });
  // Everything has gone, and the deletion isn't done: there is no certificate as long as the mail is there.
  expect(await run(operator, planned.id)).toMatchObject({ result: { complete: false, left: 0, tasks: 1 } });
  expect(await operator.dispatch('erasure.certificate', { planId: planned.id })).toMatchObject({ ok: false });
  expect(await record('mailbox')).toMatchObject({ ok: true });
  expect(await run(operator, planned.id)).toMatchObject({ result: { complete: true, tasks: 0 } });
  const { says } = await expectDone(operator, 'erasure.certificate', { planId: planned.id });
  expect(says.tasks.map(({ title, by }) => [title, by])).toEqual([
    ['Disconnect the gateway', 'operator'],
    ['Delete the mail about the person', 'operator'],
  ]);
  await expectEndedRight(desk, victim, planned.id);
});
