import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { expect, inject, test, vi } from 'vitest';
import { openBareClient } from '#tests/helpers/bareClient.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { startBadNetwork } from '#tests/core/objectStore/localR2.ts';
import {
  anotherOperator,
  approve,
  expectEndedRight,
  findPerson,
  otherWorkstation,
  putObjects,
  requestFor,
  run,
  type Victim,
} from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

const child = path.join(import.meta.dirname, 'erasingProcess.ts');

async function approvedPlan(
  desk: TestDesk,
  objects = 12,
): Promise<{ readonly victim: Victim; readonly planId: number }> {
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, objects);
  const plan = await approve(desk, operator, victim);
  expect(plan).toMatchObject({ state: 'approved', objects: { count: objects } });
  return { victim, planId: plan.id };
}

function startProcess(folder: string, planId: number, batchRows = 20): ChildProcess {
  return spawn(process.execPath, [child, folder, String(planId), String(batchRows)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function kill(process: ChildProcess): Promise<void> {
  const gone = once(process, 'close');
  process.kill('SIGKILL');
  await gone;
}

/** Resolves when `wanted` entries of the action have been committed after the listening began. */
async function listen(
  desk: TestDesk,
  actions: readonly string[],
  wanted: number,
): Promise<{ readonly seen: Promise<void>; close(): Promise<void> }> {
  const session = await openBareClient(desk, inject('platform').superuser);
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  let count = 0;
  session.on('notification', ({ payload }) => {
    void session
      .query('select from privacy_console.entry where number = $1 and action = any ($2)', [payload, actions])
      .then(({ rowCount }) => {
        count += rowCount ?? 0;
        if (count >= wanted) resolve();
      })
      .catch(() => undefined);
  });
  await session.query('listen privacy_console_trail');
  return { seen, close: () => session.end() };
}

/** Waits until a batch is under way that a lock of the test's holds up. */
async function underWay(desk: TestDesk): Promise<void> {
  await vi.waitUntil(
    () =>
      // From a session of its own: within a transaction the list of sessions stands still.
      desk.superuser(async ({ query }) => {
        const { rows } = await query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%erase_batch%' and datname = current_database()`,
        );
        return rows.length > 0;
      }),
    { timeout: 60_000, interval: 50 },
  );
}

/** Another operator at another console resumes; it ends right. */
async function resumeElsewhere(desk: TestDesk, victim: Victim, planId: number): Promise<void> {
  const second = await anotherOperator(desk);
  const console = await second.signIn();
  try {
    const found = await expectDone(console, 'erasure.show', { planId });
    expect(found.plan.state).toBe('running');
    expect(await run(console, planId)).toMatchObject({ state: 'done', result: { complete: true, left: 0 } });
  } finally {
    await console.close();
  }
  await expectEndedRight(desk, victim, planId);
}

test('killed at any moment, again and again, then resumed by another operator', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, planId } = await approvedPlan(desk);
  const { folder } = await otherWorkstation(desk, {});
  const killedAfter: string[] = [];
  for (const actions of [['erasure.begun'], ['objects.intended'], ['objects.deleted'], ['erasure.batch']]) {
    const wanted = actions.includes('erasure.batch') ? 1 + randomInt(3) : 1;
    const heard = await listen(desk, actions, wanted);
    const process = startProcess(folder, planId);
    await heard.seen;
    await kill(process);
    await heard.close();
    killedAfter.push(`${actions.join()} ${String(wanted)}`);
  }
  console.log(`killed after ${killedAfter.join(', ')}`);
  await resumeElsewhere(desk, victim, planId);
});

test('killed inside a batch, which the server still finishes or undoes', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, planId } = await approvedPlan(desk);
  const { folder } = await otherWorkstation(desk, {});
  const holder = await openBareClient(desk, inject('platform').superuser);
  // Holds the table, so that the batch that wants its rows is under way for as long as the test likes.
  await holder.query('begin');
  await holder.query('lock table messages in share mode');
  const process = startProcess(folder, planId);
  await underWay(desk);
  await kill(process);
  await holder.query('commit');
  await holder.end();
  await resumeElsewhere(desk, victim, planId);
});

test.each([
  ['between the intent and the deletion of objects', false],
  ['between the deletion of objects and its result', true],
])('killed %s', async (_name, deleted) => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, planId } = await approvedPlan(desk);
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, outgoing, pass) => {
      const erases = incoming.method === 'POST' && (incoming.url ?? '').includes('delete');
      if (!erases) {
        pass();
      } else if (deleted) {
        // The answer never arrives, but the objects are gone.
        outgoing.writeHead = () => {
          resolve();
          return outgoing;
        };
        outgoing.write = () => true;
        outgoing.end = () => outgoing;
        pass();
      } else {
        resolve();
      }
    },
  );
  try {
    const station = await otherWorkstation(desk, {
      r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
    });
    const process = startProcess(station.folder, planId);
    await reached;
    await kill(process);
    expect(await desk.bucket?.list()).toHaveLength(deleted ? 0 : 12);
  } finally {
    await network.close();
  }
  const { plan } = await expectDone(await desk.signIn('auditor'), 'erasure.show', { planId });
  expect(plan.run?.state).toBe('running');
  await resumeElsewhere(desk, victim, planId);
});

test('with its connections cut, it says so and is resumed', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, planId } = await approvedPlan(desk);
  const station = await otherWorkstation(desk, {});
  const console = await station.signIn({ batchRows: 5 });
  const heard = await listen(desk, ['erasure.batch'], 1);
  // The last table it comes to: before that it can't end, however fast it is.
  const holder = await openBareClient(desk, inject('platform').superuser);
  await holder.query('begin');
  await holder.query('lock table users in share mode');
  const { jobId } = await expectDone(console, 'erasure.run', { planId });
  await heard.seen;
  await underWay(desk);
  await desk.superuser(({ query }) =>
    query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and datname = current_database()`,
      [desk.secrets.logins.operator.user],
    ),
  );
  await holder.query('rollback');
  await holder.end();
  const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
  await heard.close();
  await console.close();
  expect(job).toMatchObject({ state: 'failed', failure: { code: 'unreachable' } });
  expect(job.failure?.message).toMatch(/^The connection to the database was lost; [^.]+[.]$/);
  await resumeElsewhere(desk, victim, planId);
});

test('stopped between two batches, it is shown as unfinished, and resumed', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, planId } = await approvedPlan(desk);
  const operator = await desk.signIn('operator', { batchRows: 5 });
  const heard = await listen(desk, ['erasure.batch'], 2);
  const { jobId } = await expectDone(operator, 'erasure.run', { planId });
  await heard.seen;
  await expectDone(operator, 'jobs.cancel', { id: jobId });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  await heard.close();
  expect(job).toMatchObject({
    state: 'cancelled',
    failure: { message: expect.stringContaining('resume it') as string },
  });
  const { plan } = await expectDone(operator, 'erasure.show', { planId });
  expect(plan).toMatchObject({ state: 'running', run: { state: 'incomplete' } });
  expect(await operator.dispatch('erasure.certificate', { planId })).toMatchObject({
    ok: false,
    failure: { code: 'not_found' },
  });
  await resumeElsewhere(desk, victim, planId);
});

test('run by two consoles at once, nothing goes twice and one of them certifies', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, planId } = await approvedPlan(desk);
  const { folder } = await otherWorkstation(desk, {});
  const second = await anotherOperator(desk);
  const processes = [startProcess(folder, planId, 10), startProcess(second.folder, planId, 10)];
  const ends = await Promise.all(
    processes.map(async (process) => {
      let told = '';
      process.stdout?.setEncoding('utf8').on('data', (text: string) => (told += text));
      await once(process, 'close');
      return JSON.parse(told.trim().split('\n').at(-1) ?? '') as { state: string; failure: unknown };
    }),
  );
  expect(ends.map(({ state }) => state)).toEqual(['done', 'done']);
  await expectEndedRight(desk, victim, planId);
});
