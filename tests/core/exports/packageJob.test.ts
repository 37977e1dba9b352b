/** The check of a package is a job: it tells how far it is, can be cancelled, and is seen by whoever began it alone. */
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writePackage } from '#core/exports/package.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { verdictOn, verifyJob } from '#tests/helpers/verdictOn.ts';
import { fileOf, optionsOf } from './sources.ts';

let desk: TestDesk;
let file: string;
beforeAll(async () => {
  desk = await openDesk();
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  ({ file } = await writePackage(
    optionsOf(folder, {
      files: Array.from({ length: 40 }, (_, at) => fileOf(`${String(at)}.bin`, randomBytes(1_000_000))),
    }),
  ));
});
afterAll(() => desk[Symbol.asyncDispose]());

test('it tells what it checks and how far it is, never backwards and never over the whole', async () => {
  const console = desk.console();
  const told: Job['progress'][] = [];
  console.onEvent((event) => {
    if (event.type === 'job' && event.job.state === 'running') told.push(event.job.progress);
  });
  const job = await verifyJob(console, { file });
  expect(job).toMatchObject({ kind: 'package', state: 'done', result: { intact: true, volumes: null } });
  const { done, total } = job.progress;
  expect(done).toBe(total);
  expect(told.some(({ says }) => says === 'reading the file as a whole')).toBe(true);
  expect(told.some(({ says }) => says.startsWith('checking data/files/'))).toBe(true);
  const steps = told.map((each) => each.done);
  expect(steps).toEqual(steps.toSorted((one, other) => one - other));
});

test('cancelled it ends at once with a sentence and no verdict', async () => {
  const console = desk.console();
  const { jobId } = await expectDone(console, 'packages.verify', { file });
  await new Promise<void>((resolve) => {
    console.onEvent((event) => {
      if (event.type === 'job' && event.job.progress.done > 0) resolve();
    });
  });
  await expectDone(console, 'jobs.cancel', { id: jobId });
  const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'cancelled', result: null, failure: { code: 'cancelled' } });
  // And the same can be checked afterwards.
  expect(await verdictOn(console, { file })).toMatchObject({ intact: true });
});

test('what nobody signed in began is ended and shown to nobody once somebody signs in, and theirs to nobody after', async () => {
  const console = desk.console();
  const { jobId: begun } = await expectDone(console, 'packages.verify', { file });
  const told: string[] = [];
  console.onEvent((event) => {
    if (event.type === 'job') told.push(event.job.id);
  });
  const waited = expectDone(console, 'jobs.wait', { id: begun });
  await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
  expect((await waited).job.state).toBe('cancelled');
  told.length = 0;
  expect(await expectDone(console, 'jobs.list', {})).toEqual({ jobs: [] });
  for (const name of ['jobs.wait', 'jobs.cancel'] as const)
    expect(await console.dispatch(name, { id: begun })).toMatchObject({ failure: { code: 'not_found' } });

  const own = await verifyJob(console, { file });
  const list = async (): Promise<readonly string[]> =>
    (await expectDone(console, 'jobs.list', {})).jobs.map(({ id }) => id);
  expect(await list()).toEqual([own.id]);
  await expectDone(console, 'session.lock', {});
  expect(await list()).toEqual([own.id]);
  await expectDone(console, 'session.unlock', {});
  expect(await list()).toEqual([own.id]);
  await expectDone(console, 'session.signOut', {});
  expect(await list()).toEqual([]);
  await expectDone(console, 'session.signIn', { profile: 'demo:auditor' });
  expect(await list()).toEqual([]);
  expect(await console.dispatch('jobs.wait', { id: own.id })).toMatchObject({
    failure: { code: 'not_found' },
  });
  expect(new Set(told)).toEqual(new Set([own.id]));
});
