import { expect, test, vi } from 'vitest';
import {
  approve,
  expectEndedRight,
  findPerson,
  putObjects,
  requestFor,
  run,
} from '#tests/core/erasure/approvedPlan.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

const terms = {
  ground: 'Suit 12 of 2026',
  authority: 'High Court',
  owner: 'approver',
  reviewOn: '2099-01-31',
};

test('a plan shows what is held and keeps it; lifted, the request is open again and the rest goes', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const approver = await desk.signIn('approver');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 3);
  const { hold } = await expectDone(operator, 'holds.place', {
    on: { collection: 'workspaces', rowKey: JSON.stringify([victim.workspace]) },
    ...terms,
  });
  const plan = await approve(desk, operator, victim);
  // The workspace's prefix is held with it.
  expect(plan).toMatchObject({
    objects: { count: 0 },
    holds: [{ hold, late: false, person: false, lifted: false }],
  });
  const kept = plan.lines.filter((line) => line.because === `Legal hold ${String(hold)}`);
  expect(kept.map((line) => line.collection)).toEqual(
    expect.arrayContaining(['messages', 'users', 'workspaces']),
  );
  expect(kept.every((line) => line.action === 'keep' && line.until === null && line.rows > 0)).toBe(true);
  expect(await run(operator, plan.id)).toMatchObject({
    state: 'done',
    result: { complete: false, left: 0, holds: String(hold) },
  });
  expect(await desk.bucket?.list()).toHaveLength(3);
  expect((await expectDone(operator, 'erasure.show', { planId: plan.id })).plan.run?.state).toBe(
    'incomplete',
  );
  const [listed] = (await expectDone(operator, 'holds.list', {})).holds;
  expect(listed).toMatchObject({
    title: 'Workspaces',
    stopped: [{ request: victim.request, plan: plan.id }],
  });
  const { lift } = await expectDone(operator, 'holds.proposeLift', { hold, reason: 'settled' });
  await expectDone(approver, 'holds.decideLift', { lift, decision: 'approve', reason: 'settled' });
  expect((await expectDone(operator, 'requests.show', { id: victim.request })).request.state).toBe(
    'in_progress',
  );
  const { entries } = await expectDone(await desk.signIn('auditor'), 'audit.list', {
    action: 'erasure.requeued',
  });
  expect(entries).toMatchObject([{ requestId: victim.request, outcome: 'done' }]);
  const again = await approve(desk, operator, victim);
  expect(again.holds).toEqual([]);
  expect(await run(operator, again.id)).toMatchObject({ result: { complete: true, left: 0 } });
  await expectEndedRight(desk, victim, again.id);
});

test('a new hold calls off a deletion that waits, and one on the person lets none begin', async () => {
  await using desk = await openDesk({ withBucket: true });
  await desk.superuser(({ query }) =>
    query(`insert into privacy_console.setting values ('grace_minutes', 60)`),
  );
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  const plan = await approve(desk, operator, victim);
  expect(await run(operator, plan.id)).toMatchObject({ result: { waiting: true } });
  const { hold } = await expectDone(operator, 'holds.place', { on: { collection: 'page_views' }, ...terms });
  const called = (await expectDone(operator, 'erasure.show', { planId: plan.id })).plan;
  expect(called).toMatchObject({
    state: 'expired',
    run: { state: 'cancelled' },
    holds: [{ hold, late: true }],
  });
  await expectDone(operator, 'holds.place', { on: { subject: victim.reference }, ...terms });
  const next = await approve(desk, operator, victim);
  expect(next.holds.map(({ person }) => person)).toEqual([false, true]);
  expect(await operator.dispatch('erasure.run', { planId: next.id })).toMatchObject({
    ok: false,
    failure: { code: 'conflict', message: expect.stringContaining('covers this person') as string },
  });
});

test('a hold on a recipient keeps the tenant’s rows about them, and an action on a held row is refused', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  const number = await desk.superuser(
    async ({ query }) =>
      (
        await query<{ phone: string }>(
          `select recipient_phone as phone from messages where workspace_id = $1 order by created_at limit 1`,
          [victim.workspace],
        )
      ).rows[0]?.phone ?? '',
  );
  const { hits } = await expectDone(operator, 'search.run', { text: number, reason: 'a test' });
  const recipient = hits.find((hit) => hit.kind === 'recipient')?.subject ?? '';
  await expectDone(operator, 'holds.place', { on: { subject: recipient }, ...terms });
  await expectDone(operator, 'holds.place', { on: { collection: 'dashboard_sessions' }, ...terms });
  const plan = await approve(desk, operator, victim);
  expect(await run(operator, plan.id)).toMatchObject({ result: { complete: false, left: 0 } });
  const left = await desk.superuser(
    async ({ query }) =>
      (
        await query<{ phone: string }>(
          'select distinct recipient_phone as phone from messages where workspace_id = $1',
          [victim.workspace],
        )
      ).rows,
  );
  expect(left).toEqual([{ phone: number }]);
  const { access } = await expectDone(operator, 'subjects.open', {
    subject: victim.reference,
    reason: 'a test',
  });
  const { rows } = await expectDone(operator, 'subjects.page', {
    accessId: access.id,
    collection: 'dashboard_sessions',
  });
  const live = rows.find((row) => row.cells['ended_at'] === null);
  if (live !== undefined)
    expect(
      await operator.dispatch('subjects.act', {
        accessId: access.id,
        collection: 'dashboard_sessions',
        row: live.key,
        action: 'end',
      }),
    ).toMatchObject({ ok: false, failure: { code: 'conflict' } });
});
