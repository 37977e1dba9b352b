/** A package goes onto a medium, in volumes, and from hand to hand, by the command line alone. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { findPerson, requestFor } from '../core/erasure/approvedPlan.ts';

const root = path.join(import.meta.dirname, '../..');

test('written in volumes, joined, handed over and received', async () => {
  await using desk = await openDesk({ withBucket: true });
  const run = (argv: readonly string[]): Promise<{ code: number; text: string }> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        ['electron/cli/cli.ts', ...argv, '--json'],
        { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
        },
      );
    });
  const operator = await desk.signIn('operator');
  const { request } = await requestFor(operator, await findPerson(desk), 'export');
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder: desk.folder });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  const file = String(job.result?.['file']);
  const id = String(job.result?.['exportId']);
  const medium = await mkdtemp(path.join(desk.folder, 'medium-'));
  const as = ['--profile', 'demo:operator'];

  const wrong = await run([
    'deliver',
    'record',
    id,
    '--event',
    'received',
    '--medium',
    'USB-1',
    '--note',
    'a court',
    ...as,
  ]);
  expect(wrong.code).not.toBe(0);
  expect(wrong.text).toContain('can not come next');
  const written = await run([
    'deliver',
    'write',
    id,
    '--file',
    file,
    '--to',
    medium,
    '--medium',
    'USB-1',
    '--volumes',
    '2',
    ...as,
  ]);
  expect(written.code, written.text).toBe(0);
  const [first = ''] = (await readdir(medium)).filter((each) => each.endsWith('.001'));
  // What lies on the medium needs no joining to be checked and looked into, nor anybody signed in.
  const checked = await run(['package', 'verify', path.join(medium, first)]);
  expect(checked.code, checked.text).toBe(0);
  expect(JSON.parse(checked.text)).toMatchObject({ intact: true, volumes: 1 });
  const shown = await run(['package', 'show', medium, '--collection', 'users']);
  expect((JSON.parse(shown.text) as { records: unknown[] }).records).toHaveLength(1);
  const joined = await run(['deliver', 'join', path.join(medium, first), '--to', medium]);
  expect(joined.code, joined.text).toBe(0);
  const { file: whole } = JSON.parse(joined.text) as { file: string };
  expect((await readFile(whole)).equals(await readFile(file))).toBe(true);
  const handed = await run([
    'deliver',
    'record',
    id,
    '--event',
    'handed_over',
    '--medium',
    'USB-1',
    '--note',
    'a court',
    ...as,
  ]);
  expect(handed.code, handed.text).toBe(0);
  const listed = await run(['deliver', 'list', id, '--profile', 'demo:auditor']);
  expect(
    (JSON.parse(listed.text) as { event: string; note: string | null }[]).map((each) => [
      each.event,
      each.note,
    ]),
  ).toEqual([
    ['writing', null],
    ['written', null],
    ['handed_over', null],
  ]);
}, 120_000);
