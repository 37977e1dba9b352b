import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import {
  findPerson,
  otherWorkstation,
  putObjects,
  requestFor,
  type Victim,
} from '#tests/core/erasure/approvedPlan.ts';
import { startBadNetwork } from '#tests/core/objectStore/localR2.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { entriesOf, plainFailure } from './plain.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
const child = path.join(import.meta.dirname, 'exportingProcess.ts');

async function exportInto(console: Console, victim: Victim, folder: string): Promise<Job> {
  const { jobId } = await expectDone(console, 'exports.start', { requestId: victim.request, folder });
  return (await expectDone(console, 'jobs.wait', { id: jobId })).job;
}

async function target(desk: TestDesk): Promise<string> {
  return mkdtemp(path.join(desk.folder, 'packages-'));
}

const failed = [
  ['export.begun', 'intent'],
  ['export.failed', 'failed'],
];

test.each([
  ['a bucket that is missing', { bucket: 'no-such-bucket' }],
  ['a wrong R2 key', { secretAccessKey: 'f'.repeat(64) }],
  ['an R2 that is not there', { endpoint: 'http://127.0.0.1:9/r2' }],
])('%s begins no export, says so in one sentence, and nothing is left', async (_name, change) => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 2);
  const station = await otherWorkstation(desk, { r2: { ...desk.secrets.r2, ...change } });
  const console = await station.signIn();
  const folder = await target(desk);
  const started = await console.dispatch('exports.start', { requestId: victim.request, folder });
  const [code] = plainFailure(started, 'f'.repeat(64), victim.email, victim.id);
  expect(code).toBe('object_store');
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
  const { access } = await expectDone(console, 'subjects.open', {
    subject: victim.reference,
    requestId: victim.request,
  });
  const [listing] = plainFailure(await console.dispatch('subjects.objects', { accessId: access.id }));
  expect(listing).toBe('object_store');
  await console.close();
  // With what was wrong put right, the same request is exported.
  expect(await exportInto(operator, victim, folder)).toMatchObject({
    state: 'done',
    result: { files: 2, missing: 0 },
  });
  expect(await readdir(folder)).toHaveLength(1);
});

test('a bucket that stops answering once the work has begun ends it in one sentence, told to the trail', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const victim = await requestFor(operator, person, 'export');
  await putObjects(desk, victim, 2);
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, outgoing, pass) => {
      // What keys begin with is still told.
      if ((incoming.url ?? '').includes('delimiter=')) return pass();
      outgoing.writeHead(403, { 'content-type': 'application/xml' });
      outgoing.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>');
    },
  );
  const station = await otherWorkstation(desk, {
    r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
  });
  const console = await station.signIn();
  const folder = await target(desk);
  const job = await exportInto(console, victim, folder);
  const [code] = plainFailure(job, victim.email, victim.id);
  expect(code).toBe('object_store');
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual(failed);
  expect(await readdir(folder)).toEqual([]);
  const deletion = await requestFor(operator, person);
  const [planned] = plainFailure(await console.dispatch('erasure.plan', { requestId: deletion.request }));
  expect(planned).toBe('object_store');
  expect(await entriesOf(desk, deletion.request, 'plan.%')).toEqual([
    ['plan.intended', 'intent'],
    ['plan.made', 'failed'],
  ]);
  await console.close();
  await network.close();
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: deletion.request });
  expect(plan.state).toBe('awaiting');
});

test('an object that vanishes between listing and reading is written down as missing', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 4);
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, outgoing, pass) => {
      if (incoming.method === 'GET' && (incoming.url ?? '').includes('/0002')) {
        outgoing.writeHead(404, { 'content-type': 'application/xml' });
        outgoing.end('<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>');
      } else pass();
    },
  );
  const station = await otherWorkstation(desk, {
    r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
  });
  const console = await station.signIn();
  const folder = await target(desk);
  const job = await exportInto(console, victim, folder);
  await console.close();
  await network.close();
  expect(job).toMatchObject({ state: 'done', result: { files: 3, missing: 1 } });
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.finished', 'done'],
  ]);
  const { stdout } = await run('unzip', ['-p', String(job.result?.['file']), '*/data/files/index.jsonl']);
  const missing = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string; status: string; reason?: string })
    .filter(({ status }) => status === 'missing');
  expect(missing.map(({ key, reason }) => [key.endsWith('/0002'), reason])).toEqual([[true, 'gone']]);
  const verified = await expectDone(operator, 'packages.verify', { file: String(job.result?.['file']) });
  expect(verified.intact).toBe(true);
});

test('a disk that is full ends the export in one sentence, told to the trail, and nothing is left', async (context) => {
  if (process.getuid?.() !== 0) context.skip('mounting a small disk needs root');
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await desk.bucket?.put([
    {
      key: `workspaces/${victim.workspace}/messages/2026-10/big`,
      // Bytes that can't be made smaller.
      bytes: randomBytes(3_000_000),
      contentType: 'image/png',
    },
  ]);
  const small = path.join(desk.folder, 'small');
  await mkdir(small);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  } catch {
    context.skip('this machine lets nobody mount a small disk');
  }
  try {
    const job = await exportInto(operator, victim, small);
    expect(plainFailure(job)).toEqual([
      'disk',
      'The disk is full, nothing was kept; free some space and try again.',
    ]);
    expect(await readdir(small)).toEqual([]);
  } finally {
    await run('umount', [small]);
  }
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual(failed);
});

test('a folder that is not there, and a cancelled export, end with their outcome in the trail', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  const [code] = plainFailure(await exportInto(operator, victim, path.join(desk.folder, 'nowhere')));
  expect(code).toBe('disk');
  const folder = await target(desk);
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: victim.request, folder });
  await expectDone(operator, 'jobs.cancel', { id: jobId });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.state).toBe('cancelled');
  plainFailure(job);
  expect(await readdir(folder)).toEqual([]);
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([...failed, ...failed]);
});

test('the machine asleep in mid-export for longer than the database waits: it goes on, or ends in the trail, and no half file', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  const { folder: home } = await otherWorkstation(desk, {});
  const folder = await target(desk);
  const exporter = spawn(process.execPath, [child, home, String(victim.request), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  exporter.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
  const closed = once(exporter, 'close');
  // Put to sleep again and again until it sleeps inside the transaction it reads in.
  const inside = (): Promise<boolean> =>
    desk.superuser(async ({ query }) => {
      const { rows } = await query(
        `select from pg_stat_activity where datname = current_database() and usename = 'operator' and xact_start is not null
           and query not like '%begin_export%' and state in ('active', 'idle in transaction')`,
      );
      return rows.length > 0;
    });
  let asleep = false;
  while (!asleep && exporter.exitCode === null) {
    exporter.kill('SIGSTOP');
    asleep = (await entriesOf(desk, victim.request, 'export.begun')).length > 0 && (await inside());
    if (!asleep) {
      exporter.kill('SIGCONT');
      await wait(3);
    }
  }
  if (asleep) await wait(17_000);
  exporter.kill('SIGCONT');
  await closed;
  const job = JSON.parse(told.trim().split('\n').at(-1) ?? '') as Pick<Job, 'state' | 'failure' | 'result'>;
  console.log(
    `slept inside the transaction: ${String(asleep)}; ended ${job.state}: ${job.failure?.message ?? ''}`,
  );
  const ending = (await entriesOf(desk, victim.request, 'export.%')).at(-1);
  if (job.state === 'done') {
    expect(ending).toEqual(['export.finished', 'done']);
    const verified = await expectDone(operator, 'packages.verify', { file: String(job.result?.['file']) });
    expect(verified.intact).toBe(true);
  } else {
    plainFailure(job);
    expect(ending).toEqual(['export.failed', 'failed']);
    expect(await readdir(folder)).toEqual([]);
    expect(await exportInto(operator, victim, folder)).toMatchObject({ state: 'done' });
  }
});

test('the connection lost in mid-export is made anew, and the package says that it was read from two moments', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 1);
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at) select $1, repeat('/x', 50) || n, now() from generate_series(1, 200000) n`,
      [victim.id],
    ),
  );
  const folder = await target(desk);
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: victim.request, folder });
  await vi.waitUntil(
    () =>
      desk.superuser(async ({ query }) => {
        const { rowCount } = await query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'operator' and query like 'copy (%'`,
        );
        return (rowCount ?? 0) > 0;
      }),
    { timeout: 30_000, interval: 5 },
  );
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done', failure: null });
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.resumed', 'done'],
    ['export.finished', 'done'],
  ]);
  const file = String(job.result?.['file']);
  expect((await expectDone(operator, 'packages.verify', { file })).intact).toBe(true);
  const { stdout } = await run('unzip', ['-p', file, '*/data/processing.json', '*/bag-info.txt']);
  expect(stdout).toContain('Reading was interrupted and resumed');
  expect(stdout).toContain('Snapshot-Count: 2');
  expect(stdout).toContain('Resumed-Count: 1');
  expect(await readdir(folder)).toHaveLength(1);
});
