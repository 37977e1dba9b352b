import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { approve, expectEndedRight, findPerson, putObjects, requestFor } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

async function begun(
  desk: TestDesk,
  operator: Console,
): Promise<{
  readonly victim: Awaited<ReturnType<typeof requestFor>>;
  readonly plan: number;
  readonly job: string;
}> {
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 2);
  const { id } = await approve(desk, operator, victim);
  const { jobId } = await expectDone(operator, 'erasure.run', { planId: id, pace: 'gentle' });
  return { victim, plan: id, job: jobId };
}

async function saysOf(console: Console, id: string): Promise<string> {
  const { jobs } = await expectDone(console, 'jobs.list', {});
  return jobs.find((each) => each.id === id)?.progress.says ?? '';
}

test('an administrator pauses every deletion, which says so, keeps everything and goes on when told to', async () => {
  await using desk = await openDesk({ withBucket: true });
  const administrator = await desk.signIn('administrator');
  const operator = await desk.signIn('operator');
  await expectDone(administrator, 'erasure.pause', { reason: 'the platform is upgraded' });
  expect(await administrator.dispatch('erasure.pause', { reason: 'once more' })).toMatchObject({
    ok: false,
    failure: { code: 'conflict', message: 'Deletions are paused already.' },
  });
  expect(await operator.dispatch('erasure.continue', {})).toMatchObject({
    ok: false,
    failure: { code: 'not_permitted' },
  });
  const { victim, plan, job } = await begun(desk, operator);
  await vi.waitFor(
    async () => {
      expect(await saysOf(operator, job)).toBe(
        'An administrator has paused deletions: the platform is upgraded',
      );
    },
    { timeout: 20_000 },
  );
  expect(
    (await expectDone(operator, 'erasure.show', { planId: plan })).plan.run?.steps.every(
      ({ done }) => done === 0,
    ),
  ).toBe(true);
  expect(await desk.bucket?.list()).toHaveLength(2);
  expect(await expectDone(operator, 'erasure.held', {})).toMatchObject({ by: 'administrator' });
  await expectDone(administrator, 'erasure.continue', {});
  expect((await expectDone(operator, 'jobs.wait', { id: job })).job).toMatchObject({
    state: 'done',
    result: { complete: true },
  });
  await expectEndedRight(desk, victim, plan);
  expect(await expectDone(operator, 'erasure.held', {})).toEqual({ says: null, since: null, by: null });
});

test('a deletion waits by itself for a transaction that has been open for long, and can be stopped meanwhile', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  await desk.superuser(({ query }) =>
    query(`update privacy_console.setting set value = 0 where name = 'long_transaction_minutes'`),
  );
  const reader = await desk.bareSuperuser();
  await desk.superuser(({ query }) => query('grant pg_read_all_stats to privacy_console_reaper'));
  try {
    await reader.query('begin isolation level repeatable read');
    await reader.query('select count(*) from users');
    const { plan, job } = await begun(desk, operator);
    await vi.waitFor(
      async () => {
        expect(await saysOf(operator, job)).toMatch(/^A transaction has been open for \d+ minutes and keeps/);
      },
      { timeout: 20_000 },
    );
    await expectDone(operator, 'jobs.cancel', { id: job });
    expect((await expectDone(operator, 'jobs.wait', { id: job })).job.state).toBe('cancelled');
    await reader.query('rollback');
    const again = await expectDone(operator, 'erasure.run', { planId: plan });
    expect((await expectDone(operator, 'jobs.wait', { id: again.jobId })).job).toMatchObject({
      result: { complete: true },
    });
  } finally {
    await desk.superuser(({ query }) => query('revoke pg_read_all_stats from privacy_console_reaper'));
  }
});
