/** A disk that is full, gone or not to be written to at any moment leaves no package under its name that does not verify. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { copyOnto } from '#core/exports/delivery/copy.ts';
import { diskFailure } from '#core/exports/disk.ts';
import { writePackage } from '#core/exports/package.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { findPerson, otherWorkstation, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { columnOf, fileOf, optionsOf } from '#tests/core/exports/sources.ts';
import { mountInMemory, mountMedium, type SmallDisk } from '#tests/helpers/smallDisk.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { entriesOf, plainFailure } from './plain.ts';

vi.setConfig({ testTimeout: 120_000 });

let home: string;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'disk-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(home, { recursive: true, force: true });
});

/** The disk, or the test is skipped and says why. */
function mounted(disk: SmallDisk | null, skip: (note: string) => never): SmallDisk {
  if (disk === null) return skip('this machine lets nobody mount a disk, or lacks mkfs.ext4 or python3');
  ends.push(() => disk.unmount());
  return disk;
}

/** Texts that can't be made smaller. */
const noise = randomBytes(150_000).toString('hex');

/** A package with records, a table and a file; `at` is called when so many of its rows have been asked for. */
function contents(folder: string, at: (row: number) => unknown = () => undefined) {
  return optionsOf(folder, {
    collections: [
      {
        name: 'messages',
        columns: [columnOf('id', 'integer'), columnOf('body', 'text')],
        async *rows() {
          for (let row = 0; row < 150; row += 1) {
            await at(row);
            yield `{"id":${String(row)},"body":"${noise.slice(row * 2_000, row * 2_000 + 2_000)}"}\n`;
          }
        },
      },
    ],
    files: [fileOf('a', randomBytes(300_000)), fileOf('b', randomBytes(10))],
  });
}

async function failureOf(work: Promise<unknown>): Promise<ExpectedError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ExpectedError) return error;
  throw new Error('It did not fail as expected.', { cause: error });
}

test('full at any point, nothing is left, and with room the same package is whole', async (context) => {
  const disk = mounted(await mountInMemory(path.join(home, 'small'), 4_096), (note) => context.skip(note));
  const { file, bytes } = await writePackage(contents(disk.folder));
  await rm(file);
  const whole = Math.ceil(bytes / 4_096);
  // In pages; the last ones are the directory of the zip.
  const sizes = [
    ...Array.from({ length: 16 }, (_, at) => Math.floor((at * whole) / 16) + 1),
    whole - 2,
    whole - 1,
  ];
  for (const pages of sizes) {
    await disk.resize(pages * 4);
    const failure = await failureOf(writePackage(contents(disk.folder)));
    expect([pages, failure.message]).toEqual([
      pages,
      'The disk is full, nothing was kept; free some space and try again.',
    ]);
    expect(await readdir(disk.folder), String(pages)).toEqual([]);
  }
  await disk.resize(4_096);
  const { file: again } = await writePackage(contents(disk.folder));
  expect((await verifyPackage(again)).faults).toEqual([]);
});

test('full only where reading keeps what it has read: one sentence, told to the trail', async (context) => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at) select $1, string_agg(md5(n::text || m::text), '') , now() from generate_series(1, 2000) n, generate_series(1, 20) m group by n`,
      [victim.id],
    ),
  );
  const station = await otherWorkstation(desk, {});
  const disk = mounted(await mountInMemory(path.join(station.folder, 'exports'), 64), (note) =>
    context.skip(note),
  );
  const console = await station.signIn();
  try {
    const folder = await mkdtemp(path.join(home, 'packages-'));
    const started = await console.dispatch('exports.start', { requestId: victim.request, folder });
    if (!started.ok) throw new Error(started.failure.message);
    const { job } = await expectDone(console, 'jobs.wait', { id: started.value.jobId });
    expect(plainFailure(job)[0]).toBe('disk');
    expect(await readdir(folder)).toEqual([]);
    expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
      ['export.begun', 'intent'],
      ['export.failed', 'failed'],
    ]);
  } finally {
    await console.close();
    // The desk removes its folder before what is ended after the test.
    ends.pop();
    await disk.unmount();
  }
});

test('a medium pulled out while it is written: one sentence, and nothing under the final name', async (context) => {
  for (const row of [0, 75, 149]) {
    const folder = path.join(home, `medium-${String(row)}`);
    const disk = mounted(await mountMedium(folder, 8), (note) => context.skip(note));
    const work = contents(disk.folder, (at) => {
      if (at === row) disk.pull();
    });
    expect((await failureOf(writePackage(work))).code).toBe('disk');
    await ends.pop()?.();
    expect(await readdir(folder)).toEqual([]);
  }
});

test('a medium pulled out while a package is copied onto it: the same', async (context) => {
  const disk = mounted(await mountMedium(path.join(home, 'medium'), 16), (note) => context.skip(note));
  const source = path.join(home, 'package.zip');
  await writeFile(source, randomBytes(6_000_000));
  let accepted = false;
  let pulled = false;
  const copying = copyOnto(
    source,
    disk.folder,
    {
      accept: () => {
        accepted = true;
        return Promise.resolve();
      },
      progress: () => {
        if (!pulled) disk.pull();
        pulled = true;
      },
    },
    new AbortController().signal,
  );
  const error: unknown = await copying.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(diskFailure(error)?.code).toBe('disk');
  expect(accepted).toBe(false);
});

test('a folder that is removed meanwhile, and one that may not be written to', async (context) => {
  const target = await mkdtemp(path.join(home, 'removed-'));
  const work = contents(target, (row) => (row === 75 ? rm(target, { recursive: true }) : undefined));
  expect((await failureOf(writePackage(work))).code).toBe('disk');
  expect(await readdir(home)).not.toContain(path.basename(target));
  const closed = await mkdtemp(path.join(home, 'closed-'));
  if (process.getuid?.() === 0) {
    // The rights of a folder don't bind root.
    const disk = mounted(await mountInMemory(closed, 1_024), (note) => context.skip(note));
    await disk.readOnly();
  } else await chmod(closed, 0o500);
  expect((await failureOf(writePackage(contents(closed)))).message).toBe(
    'The folder may not be written to, nothing was kept; choose another one.',
  );
  expect(await readdir(closed)).toEqual([]);
});
