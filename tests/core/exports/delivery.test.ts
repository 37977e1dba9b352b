import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Console } from '#core/console.ts';
import { copyOnto } from '#core/exports/delivery/copy.ts';
import { limitsOf } from '#core/exports/delivery/medium.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { findPerson, requestFor } from '../erasure/approvedPlan.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

let desk: TestDesk;
let operator: Console;
let exportId: number;
let file: string;
let name: string;
beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const { request } = await requestFor(operator, person, 'export');
  // More than one volume of the smallest size there is.
  const key = `workspaces/${person.workspace}/messages/2026-10/large`;
  await desk.bucket?.put([{ key, bytes: randomBytes(2_500_000), contentType: 'image/jpeg' }]);
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  file = String(job.result?.['file']);
  exportId = Number(job.result?.['exportId']);
  name = path.basename(file);
});
afterAll(() => desk[Symbol.asyncDispose]());

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const medium = (): Promise<string> => mkdtemp(path.join(desk.folder, 'medium-'));

async function delivered(further: Record<string, unknown>): Promise<Awaited<ReturnType<typeof waited>>> {
  const { jobId } = await expectDone(operator, 'delivery.write', { exportId, file, ...further } as never);
  return waited(jobId);
}

async function waited(jobId: string) {
  return (await expectDone(operator, 'jobs.wait', { id: jobId })).job;
}

async function eventsOf(label: string): Promise<readonly string[]> {
  const { custody } = await expectDone(operator, 'custody.list', { exportId });
  return custody.filter((each) => each.medium === label).map((each) => each.event);
}

test('a package is copied, read back, and leaves with a sheet that names nobody', async () => {
  const folder = await medium();
  const job = await delivered({ folder, medium: 'USB-1' });
  expect(job).toMatchObject({ state: 'done', failure: null });
  expect((await readdir(folder)).sort()).toEqual([name, `${name}.delivery.html`]);
  const bytes = await readFile(path.join(folder, name));
  expect(bytes.equals(await readFile(file))).toBe(true);
  expect((await stat(path.join(folder, name))).mode & 0o077).toBe(0);
  const sheet = await readFile(path.join(folder, `${name}.delivery.html`), 'utf8');
  expect(sheet.replaceAll(' ', '')).toContain(sha256(bytes));
  expect(sheet).toContain('<svg');
  expect(sheet).toContain('USB-1');
  expect(sheet).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
  const person = await findPerson(desk);
  for (const secret of [person.email, person.id]) expect(sheet).not.toContain(secret);
  expect(await eventsOf('USB-1')).toEqual(['writing', 'written']);
  expect(await verdictOn(operator, { file: path.join(folder, name) })).toMatchObject({
    intact: true,
  });
});

test('volumes come together again by the console and by cat', async () => {
  const folder = await medium();
  const job = await delivered({ folder, medium: 'USB-2', volumeBytes: 1024 * 1024, language: 'hi' });
  expect(job).toMatchObject({ state: 'done', failure: null });
  const volumes = (await readdir(folder)).filter((each) => /\.\d{3}$/.test(each)).sort();
  expect(volumes.length).toBeGreaterThan(2);
  const parts = await Promise.all(volumes.map((each) => readFile(path.join(folder, each))));
  const whole = await readFile(file);
  expect(Buffer.concat(parts).equals(whole)).toBe(true);
  const sheet = await readFile(path.join(folder, `${name}.delivery.html`), 'utf8');
  for (const [place, part] of parts.entries()) {
    expect(part.byteLength).toBeLessThanOrEqual(1024 * 1024);
    expect(sheet).toContain(sha256(part));
    expect(sheet).toContain(volumes[place] ?? '');
  }
  expect(sheet).toContain('lang="hi"');
  const back = await medium();
  const joined = await expectDone(operator, 'delivery.join', {
    file: path.join(folder, volumes[0] ?? ''),
    folder: back,
  });
  expect(joined).toMatchObject({ sha256: sha256(whole), bytes: whole.byteLength, volumes: volumes.length });
  expect(
    await operator.dispatch('delivery.join', { file: path.join(folder, volumes[1] ?? ''), folder: back }),
  ).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
});

test('what is not the registered package is not handed out, and nothing of it stays', async () => {
  const folder = await medium();
  const other = path.join(await medium(), name);
  const changed = await readFile(file);
  changed[changed.byteLength >> 1] = (changed[changed.byteLength >> 1] ?? 0) ^ 1;
  await writeFile(other, changed);
  const job = await delivered({ file: other, folder, medium: 'USB-3' });
  expect(job).toMatchObject({ state: 'failed', failure: { code: 'refused' } });
  expect(await readdir(folder)).toEqual([]);
  expect(await eventsOf('USB-3')).toEqual(['writing', 'not_written']);
  expect(
    await operator.dispatch('custody.record', {
      exportId,
      medium: 'USB-3',
      event: 'handed_over',
      note: 'the court',
    }),
  ).toMatchObject({ ok: false, failure: { code: 'conflict' } });
});

test('where it lies on the medium already, it is read back there', async () => {
  const folder = await medium();
  const there = path.join(folder, name);
  await writeFile(there, await readFile(file));
  const job = await delivered({ file: there, folder, medium: 'USB-4' });
  expect(job).toMatchObject({ state: 'done' });
  expect((await readdir(folder)).sort()).toEqual([name, `${name}.delivery.html`]);
  expect(await eventsOf('USB-4')).toEqual(['writing', 'written']);
});

test('nothing is written over what is there, and no trace is left beside it', async () => {
  const folder = await medium();
  await writeFile(path.join(folder, name), 'something else');
  const job = await delivered({ folder, medium: 'USB-5' });
  expect(job).toMatchObject({ state: 'failed', failure: { code: 'conflict' } });
  expect(await readdir(folder)).toEqual([name]);
  expect(await readFile(path.join(folder, name), 'utf8')).toBe('something else');
});

test('bad input is refused before anything is recorded', async () => {
  const folder = await medium();
  const attempts: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['no file', { file: path.join(folder, 'nothing.zip') }, 'not_found'],
    ['a folder for a package', { file: folder }, 'invalid_input'],
    ['no medium', { folder: path.join(folder, 'nowhere') }, 'disk'],
    ['a label with a slash', { medium: 'USB/6' }, 'invalid_input'],
    ['volumes where it lies', { folder: path.dirname(file), volumeBytes: 2_000_000 }, 'invalid_input'],
    ['tiny volumes', { volumeBytes: 1 }, 'invalid_input'],
  ];
  for (const [what, further, code] of attempts)
    expect(
      await operator.dispatch('delivery.write', {
        exportId,
        file,
        folder,
        medium: 'USB-6',
        ...further,
      } as never),
      what,
    ).toMatchObject({ ok: false, failure: { code } });
  expect(await eventsOf('USB-6')).toEqual([]);
});

test('a medium that gives back something else is named, and nothing of it is kept', async () => {
  const folder = await medium();
  const source = path.join(folder, 'source.zip');
  await writeFile(source, randomBytes(3_000_000));
  const target = path.join(folder, 'target');
  await mkdir(target);
  let told = 0;
  const copying = copyOnto(
    source,
    target,
    {
      volumeBytes: 1_000_000,
      accept: () => Promise.resolve(),
      progress: (bytes) => {
        told = bytes;
        // All is written, and nothing is read back yet.
        if (bytes === 3_000_000) spoil = spoilOne(target);
      },
    },
    new AbortController().signal,
  );
  let spoil: Promise<void> = Promise.resolve();
  await expect(copying).rejects.toMatchObject({ code: 'disk' });
  await spoil;
  expect(told).toBeGreaterThanOrEqual(3_000_000);
  expect(await readdir(target)).toEqual([]);
});

async function spoilOne(folder: string): Promise<void> {
  const [, , last] = (await readdir(folder)).sort((a, b) => a.localeCompare(b));
  await writeFile(path.join(folder, last ?? ''), randomBytes(10));
}

test('cancelled, it leaves nothing on the medium and says so', async () => {
  const folder = await medium();
  const source = path.join(folder, 'source.zip');
  await writeFile(source, randomBytes(3_000_000));
  const target = path.join(folder, 'target');
  await mkdir(target);
  const stop = new AbortController();
  await expect(
    copyOnto(
      source,
      target,
      {
        accept: () => Promise.resolve(),
        progress: () => {
          stop.abort(new Error('enough'));
        },
      },
      stop.signal,
    ),
  ).rejects.toThrow('enough');
  expect(await readdir(target)).toEqual([]);
});

test('a file system that can not hold the size is known by what Linux tells of it', () => {
  expect(limitsOf({ type: 0x4d44, bavail: 10, bsize: 4096 }, 'linux')).toEqual({
    freeBytes: 40_960,
    largestFileBytes: 4_294_967_295,
  });
  expect(limitsOf({ type: 0xef53, bavail: 10, bsize: 4096 }, 'linux').largestFileBytes).toBeNull();
  expect(limitsOf({ type: 0x4d44, bavail: 10, bsize: 4096 }, 'darwin').largestFileBytes).toBeNull();
});
