import { mkdtemp, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localCopies } from '#core/connections/localCopies.ts';
import type { Console } from '#core/console.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { findPerson, requestFor } from '../erasure/approvedPlan.ts';

let desk: TestDesk;
let operator: Console;
let request: number;
beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  operator = await desk.signIn('operator');
  request = (await requestFor(operator, await findPerson(desk), 'export')).request;
});
afterAll(() => desk[Symbol.asyncDispose]());

async function made(form: 'zip' | 'folder' = 'zip'): Promise<{ exportId: number; path: string }> {
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder, form });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  return { exportId: Number(job.result?.['exportId']), path: String(job.result?.['file']) };
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

const listed = async (): Promise<readonly string[]> =>
  (await expectDone(operator, 'copies.list', {})).copies.map((each) => each.path);

async function actions(): Promise<readonly (readonly [string, string])[]> {
  const { rows } = await desk.superuser(({ query }) =>
    query<{ action: string; outcome: string }>(
      `select action, outcome from privacy_console.entry where action like 'copy.%' order by number`,
    ),
  );
  return rows.map((each) => [each.action, each.outcome]);
}

test.each(['zip', 'folder'] as const)('a package is remembered, and goes when asked: %s', async (form) => {
  const before = (await actions()).length;
  const copy = await made(form);
  expect(await listed()).toContain(copy.path);
  await expectDone(operator, 'copies.shred', copy);
  expect(await isThere(copy.path)).toBe(false);
  expect(await listed()).not.toContain(copy.path);
  expect((await actions()).slice(before)).toEqual([
    ['copy.shredding', 'intent'],
    ['copy.shredded', 'done'],
  ]);
});

test('two programs that add and remove at the same moment lose nothing of each other', async () => {
  const folder = await mkdtemp(path.join(desk.folder, 'copies-'));
  const copies = Array.from({ length: 40 }, (_, number) => ({
    exportId: number + 1,
    path: `/media/usb/package ${String(number)}.zip`,
    sha256: 'a'.repeat(64),
    bytes: 1,
    madeAt: new Date(number).toISOString(),
  }));
  const [one, other] = [localCopies(folder, 'a-database'), localCopies(folder, 'a-database')];
  await Promise.all(copies.map((copy, number) => (number % 2 === 0 ? one : other).add(copy)));
  expect(await one.list()).toEqual(copies);
  await Promise.all(
    copies.slice(0, 20).map((copy, number) => (number % 2 === 0 ? other : one).remove(copy.path)),
  );
  expect(await other.list()).toEqual(copies.slice(20));
  // A damaged file is as good as none, and takes no other with it.
  const [file = ''] = await readdir(path.join(folder, 'packages-a-database'));
  await writeFile(path.join(folder, 'packages-a-database', file), '{');
  expect(await one.list()).toHaveLength(19);
  expect(await localCopies(folder, 'another').list()).toEqual([]);
});

test('one that has lain there long enough goes by itself, one that has not stays', async () => {
  const copy = await made();
  expect(await expectDone(operator, 'copies.expire', {})).toEqual({ shredded: 0, left: 0 });
  expect(await isThere(copy.path)).toBe(true);
  await desk.superuser(({ query }) =>
    query(`update privacy_console.setting set value = 0 where name = 'copy_days'`),
  );
  expect(await expectDone(operator, 'copies.expire', {})).toEqual({ shredded: 1, left: 0 });
  expect(await isThere(copy.path)).toBe(false);
  await desk.superuser(({ query }) =>
    query(`update privacy_console.setting set value = 30 where name = 'copy_days'`),
  );
});

test('nothing else is touched: another content, a link to it, a path nobody wrote', async () => {
  const changed = await made();
  await writeFile(changed.path, 'a letter to my aunt');
  const linked = await made();
  const elsewhere = `${linked.path}.elsewhere`;
  await rename(linked.path, elsewhere);
  await symlink(elsewhere, linked.path);
  const before = (await actions()).length;
  for (const copy of [changed, linked])
    expect(await operator.dispatch('copies.shred', copy)).toMatchObject({
      ok: false,
      failure: { code: 'conflict' },
    });
  expect(
    await operator.dispatch('copies.shred', { exportId: changed.exportId, path: '/etc/hostname' }),
  ).toMatchObject({ ok: false, failure: { code: 'not_found' } });
  expect(await readFile(changed.path, 'utf8')).toBe('a letter to my aunt');
  expect(await isThere(elsewhere)).toBe(true);
  expect((await actions()).length).toBe(before);
});

test('one that was removed by hand is told as gone, and one delivered where it lies is the medium’s', async () => {
  const copy = await made();
  await rename(copy.path, `${copy.path}.moved`);
  await expectDone(operator, 'copies.shred', copy);
  expect(await listed()).not.toContain(copy.path);
  expect(await isThere(`${copy.path}.moved`)).toBe(true);
  const delivered = await made();
  const { jobId } = await expectDone(operator, 'delivery.write', {
    exportId: delivered.exportId,
    file: delivered.path,
    folder: path.dirname(delivered.path),
    medium: 'USB-1',
  });
  await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(await listed()).not.toContain(delivered.path);
  expect(await readdir(path.dirname(delivered.path))).toHaveLength(2);
});
