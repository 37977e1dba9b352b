/** Packages in volumes are read where they lie; each volume that is not as it was written is named. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesOf, recordsOf } from '#core/exports/browse.ts';
import { copyOnto } from '#core/exports/delivery/copy.ts';
import { sumsName, sumsText, volumeName } from '#core/exports/delivery/volumes.ts';
import { writePackage } from '#core/exports/package.ts';
import { encryptionFor, makePassphrase } from '#core/exports/seal/age.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { collectionOf, columnOf, fileOf, optionsOf } from './sources.ts';

let folder: string;
const passphrase = makePassphrase();
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'volumes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Split {
  readonly at: string;
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  volume(number: number): string;
}

let made = 0;
/** A package of some 900 kB in volumes of 200 kB, with the list of their sums unless not. */
async function split(
  options: { readonly sealed?: boolean; readonly unlisted?: boolean } = {},
): Promise<Split> {
  made += 1;
  const at = path.join(folder, String(made));
  await mkdir(at);
  const rows = Array.from({ length: 50 }, (_, index) => ({
    id: String(index + 1),
    body: `line ${String(index)}`,
  }));
  const { file } = await writePackage(
    optionsOf(folder, {
      name: `package-${String(made)}`,
      collections: [
        { ...collectionOf('messages', rows), columns: [columnOf('id', 'integer'), columnOf('body', 'text')] },
      ],
      files: [fileOf('large.bin', randomBytes(900_000))],
      ...(options.sealed === true ? { encryption: encryptionFor({ passphrase }) } : {}),
    }),
  );
  const copied = await copyOnto(
    file,
    at,
    { volumeBytes: 200_000, accept: () => Promise.resolve(), progress: () => undefined },
    new AbortController().signal,
  );
  const name = path.basename(file);
  if (options.unlisted !== true) await writeFile(path.join(at, sumsName(name)), sumsText(copied.files));
  return {
    at,
    name,
    sha256: copied.sha256,
    bytes: copied.bytes,
    volume: (number) => path.join(at, volumeName(name, number)),
  };
}

async function faultsOf(file: string): Promise<readonly string[]> {
  const { ok, faults } = await verifyPackage(file);
  expect(ok).toBe(faults.length === 0);
  return faults.map((each) => `${each.kind} ${String(each.path)}`);
}

describe('a package in volumes', () => {
  test.each([false, true])(
    'is checked and shown from any of them, their list or their folder; encrypted: %s',
    async (sealed) => {
      const { at, name, volume, sha256, bytes } = await split({ sealed });
      const how = sealed ? { opener: { passphrase } } : {};
      for (const file of [volume(1), volume(3), volume(5), path.join(at, sumsName(name)), at]) {
        const verdict = await verifyPackage(file, how);
        expect(verdict).toMatchObject({
          ok: true,
          faults: [],
          sha256,
          bytes,
          records: 50,
          volumes: 5,
          encrypted: sealed,
        });
      }
      const browsed = { file: volume(2), signal: new AbortController().signal, ...how };
      const { records, next } = await recordsOf(browsed, { collection: 'messages', from: 41, limit: 5 });
      expect(records[0]).toEqual({ line: 41, values: { id: '41', body: 'line 40' } });
      expect(next).toBe(46);
      expect((await filesOf(browsed, { from: 1, limit: 5 })).files).toMatchObject([{ name: 'large.bin' }]);
    },
  );

  test('one that is missing is named, the first, one between and the last, and nothing is guessed from the rest', async () => {
    for (const gone of [1, 3, 5]) {
      const { at, name, volume } = await split();
      await rm(volume(gone));
      expect(await faultsOf(at)).toEqual([`missing ${volumeName(name, gone)}`]);
      // The very one that is named is not there.
      expect(await faultsOf(volume(gone))).toEqual([`missing ${volumeName(name, gone)}`]);
      const browsed = { file: at, signal: new AbortController().signal };
      await expect(recordsOf(browsed, { collection: 'messages', from: 1, limit: 1 })).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining(volumeName(name, gone)),
      });
    }
  });

  test('one that was changed, swapped with another, of another package, or too many is named', async () => {
    const changed = await split();
    const bytes = await readFile(changed.volume(2));
    bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
    await writeFile(changed.volume(2), bytes);
    expect(await faultsOf(changed.at)).toContain(`changed ${volumeName(changed.name, 2)}`);

    const swapped = await split();
    await rename(swapped.volume(2), `${swapped.at}/x`);
    await rename(swapped.volume(4), swapped.volume(2));
    await rename(`${swapped.at}/x`, swapped.volume(4));
    const { faults } = await verifyPackage(swapped.volume(1));
    expect(faults).toEqual([
      {
        kind: 'renamed',
        path: volumeName(swapped.name, 2),
        says: `It holds what was written as ${volumeName(swapped.name, 4)}.`,
      },
      {
        kind: 'renamed',
        path: volumeName(swapped.name, 4),
        says: `It holds what was written as ${volumeName(swapped.name, 2)}.`,
      },
    ]);

    const foreign = await split();
    await copyFile(changed.volume(3), foreign.volume(3));
    expect(await faultsOf(foreign.at)).toContain(`changed ${volumeName(foreign.name, 3)}`);

    const added = await split();
    await copyFile(added.volume(5), added.volume(6));
    expect(await faultsOf(added.at)).toEqual([`added ${volumeName(added.name, 6)}`]);
  });

  test('without the list of their sums is read all the same; gaps, lengths and the zip tell what is wrong', async () => {
    const whole = await split({ unlisted: true });
    expect(await verifyPackage(whole.volume(4))).toMatchObject({ ok: true, sha256: whole.sha256 });
    await rm(whole.volume(4));
    expect(await faultsOf(whole.at)).toEqual([`missing ${volumeName(whole.name, 4)}`]);
    const cut = await split({ unlisted: true });
    await writeFile(cut.volume(2), (await readFile(cut.volume(2))).subarray(0, 199_999));
    expect(await faultsOf(cut.at)).toContain(`changed ${volumeName(cut.name, 2)}`);
    const last = await split({ unlisted: true });
    await rm(last.volume(5));
    expect(await faultsOf(last.at)).toEqual(['truncated null']);
    expect(await faultsOf(last.volume(5))).toEqual([`missing ${volumeName(last.name, 5)}`]);
    const swapped = await split({ unlisted: true });
    await rename(swapped.volume(2), `${swapped.at}/x`);
    await rename(swapped.volume(3), swapped.volume(2));
    await rename(`${swapped.at}/x`, swapped.volume(3));
    expect(await faultsOf(swapped.at)).toContain('changed data/files/000001.png');
  });

  test('a list that is none of theirs is not believed, and a folder with two packages asks which', async () => {
    const { at, name } = await split();
    await writeFile(path.join(at, sumsName(name)), `${'0'.repeat(64)}  ../../etc/passwd\n`);
    expect(await faultsOf(at)).toEqual([]);
    await writeFile(path.join(at, 'other.zip.001'), 'x');
    await expect(verifyPackage(at)).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await faultsOf(path.join(at, volumeName(name, 1)))).toEqual([]);
    await expect(verifyPackage(path.join(folder, 'nowhere.zip.001'))).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
