import { spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { findPlaces } from '#core/places.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { entriesOf } from '#tests/core/badInput/plain.ts';
import { findPerson, putObjects, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { startBadNetwork } from '#tests/core/objectStore/localR2.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

const root = path.join(import.meta.dirname, '../..');

test('Ctrl-C in the middle of an export ends it as cancelled: exit code 1, an outcome in the trail, no half file, no access left open', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 3);
  const inTheMiddle = Promise.withResolvers<undefined>();
  // An object that never comes: the export is in the middle for as long as the test likes.
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, _outgoing, pass) => {
      if (incoming.method === 'GET' && (incoming.url ?? '').includes('/0001')) inTheMiddle.resolve(undefined);
      else pass();
    },
  );
  try {
    const { demoFolder } = findPlaces({ PRIVACY_CONSOLE_HOME: desk.home });
    const r2 = { ...desk.secrets.r2, endpoint: network.config.endpoint };
    await writeDemoSecrets(demoFolder, { ...desk.secrets, r2 });
    const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
    const child = spawn(
      process.execPath,
      ['electron/cli/cli.ts', 'export', String(victim.request), '--to', folder, '--profile', 'demo:operator'],
      {
        cwd: root,
        env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal })),
    );
    await Promise.race([
      inTheMiddle.promise,
      ended.then(() => Promise.reject(new Error(`It ended before it was interrupted: ${said.stderr}`))),
    ]);
    // Something is there to be taken away again.
    expect(await readdir(folder)).toHaveLength(1);
    child.kill('SIGINT');
    expect({ ...(await ended), ...said }).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: 'The export was cancelled; nothing was left half done.\n',
    });
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await network.close();
  }
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.failed', 'failed'],
  ]);
  const { rows } = await desk.superuser(({ query }) =>
    query(`select 1 from privacy_console.access where kind = 'export' and closed_at is null`),
  );
  expect(rows).toEqual([]);
  // The same request can be exported afterwards.
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: victim.request,
    folder: desk.folder,
  });
  expect((await expectDone(operator, 'jobs.wait', { id: jobId })).job).toMatchObject({
    state: 'done',
    result: { files: 3, missing: 0 },
  });
}, 120_000);

test('Ctrl-C while a search waits in the database cancels it there: exit code 1 and a sentence', async () => {
  await using desk = await openDesk();
  await desk.superuser(async ({ query }) => {
    await query('begin');
    await query('lock table public.users');
    const child = spawn(
      process.execPath,
      ['electron/cli/cli.ts', 'search', 'somebody', '--reason', 'a test', '--profile', 'demo:operator'],
      {
        cwd: root,
        env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    // By another session: within a transaction the list of sessions stands still.
    const searching = `select pid from pg_stat_activity where query like '%run_search(%' and wait_event_type = 'Lock'`;
    for (;;) {
      const { rows } = await desk.superuser((other) => other.query(searching));
      if (rows.length > 0) break;
      if (child.exitCode !== null) throw new Error(`It ended before it was interrupted: ${stderr}`);
      await delay(20);
    }
    child.kill('SIGINT');
    expect({ code: await ended, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/cancelled/) as string,
    });
    await query('rollback');
  });
}, 60_000);

test('Ctrl-C in the middle of the check of a package ends it: exit code 1 and a sentence', async () => {
  await using desk = await openDesk();
  // Large enough to be in the middle for as long as the test needs; nothing of it is on the disk.
  const file = path.join(desk.folder, 'package.zip');
  const handle = await open(file, 'w');
  await handle.truncate(64 * 1024 ** 3);
  await handle.close();
  const child = spawn(process.execPath, ['electron/cli/cli.ts', 'package', 'verify', file], {
    cwd: root,
    env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  while (!(await hasOpen(child.pid ?? 0, file))) {
    if (child.exitCode !== null) throw new Error(`It ended before it was interrupted: ${said.stderr}`);
    await delay(20);
  }
  child.kill('SIGINT');
  expect({ code: await ended, ...said }).toEqual({
    code: 1,
    stdout: '',
    stderr: 'The check was cancelled; nothing was left half done.\n',
  });
}, 60_000);

/** Whether a process reads a file, as Linux tells. */
async function hasOpen(pid: number, file: string): Promise<boolean> {
  const folder = `/proc/${String(pid)}/fd`;
  for (const each of await readdir(folder).catch(() => []))
    if ((await readlink(path.join(folder, each)).catch(() => '')) === file) return true;
  return false;
}
