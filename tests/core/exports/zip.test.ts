import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { follow } from '#core/exports/follower.ts';
import type { FileEntry } from '#core/exports/format.ts';
import { writePackage } from '#core/exports/package.ts';
import type { PackageFile } from '#core/exports/files.ts';
import { readBack } from '#core/exports/readBack.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { centralHeader, endOfDirectory, localHeader, methods } from '#core/exports/zipFormat.ts';
import type { ZipEntry } from '#core/exports/zipFormat.ts';
import { openFile, readZip } from '#core/exports/zipReader.ts';
import { openZip } from '#core/exports/zipWriter.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { fileOf, optionsOf } from './sources.ts';

const run = promisify(execFile);

let folder: string;

vi.setConfig({ testTimeout: 120_000 });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zip-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a package of more files than a zip without zip64 can name is whole', async () => {
  const count = 65_600;
  function* files(): Generator<PackageFile> {
    for (let number = 1; number <= count; number += 1)
      yield fileOf(`media/${String(number)}.txt`, Buffer.from(`this is number ${String(number)}`), {
        contentType: number % 2 === 0 ? 'text/plain' : 'image/png',
      });
  }
  const { file, files: told } = await writePackage(optionsOf(folder, { files: files() }));
  expect(told.complete).toBe(count);
  const verdict = await verifyPackage(file);
  expect(verdict.faults).toEqual([]);
  expect(verdict.files).toBeGreaterThan(count);
  const { stdout } = await run('zipinfo', ['-t', file]);
  expect(stdout).toContain(`${String(verdict.files)} files`);
  await run('unzip', ['-qq', '-t', file]);
});

test('entries of any size are what went in, for unzip too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          // Around what is held, deflated without a thread, deflated at once, and read at once.
          bytes: fc.oneof(
            fc.nat(300),
            fc
              .constantFrom(16_384, 65_536, 524_288)
              .chain((edge) => fc.integer({ min: edge - 2, max: edge + 2 })),
            fc.nat(3_000_000),
          ),
          piece: fc.integer({ min: 1_000, max: 700_000 }),
          compress: fc.boolean(),
          repeats: fc.boolean(),
        }),
        { maxLength: 5 },
      ),
      async (wanted) => {
        const path = join(folder, 'any.zip');
        const handle = await open(path, 'w');
        const zip = openZip(handle, new Date(), () => undefined);
        const contents = wanted.map(({ bytes, repeats }) => {
          const content = Buffer.alloc(bytes, 'abc');
          for (let at = 0; !repeats && at + 4 <= bytes; at += 4)
            content.writeUInt32LE((at * 2654435761) >>> 0, at);
          return content;
        });
        for (const [number, { piece, compress }] of wanted.entries())
          await zip.add(`bag/${String(number)}`, cut(contents[number] ?? Buffer.alloc(0), piece), {
            compress,
          });
        await zip.finish();
        await handle.close();
        const found: Buffer[] = [];
        const zipped = await openFile(path);
        for await (const entry of readZip(zipped)) {
          expect(entry.problem).toBeNull();
          const chunks: Uint8Array[] = [];
          for await (const chunk of entry.read()) chunks.push(chunk);
          found.push(Buffer.concat(chunks));
        }
        await zipped.close();
        expect(found.length).toBe(contents.length);
        expect(found.every((each, number) => each.equals(contents[number] ?? Buffer.alloc(1)))).toBe(true);
        if (wanted.length > 0) await run('unzip', ['-qq', '-t', path]);
      },
    ),
    { numRuns: 25 },
  );
});

test('sizes and places beyond 4 GiB are read as they were written', async () => {
  const beyond = 5 * 2 ** 32;
  const entry = (more: Partial<ZipEntry>): ZipEntry => ({
    path: 'bag/large.bin',
    modified: new Date(),
    method: methods.stored,
    place: 0,
    isStreamed: true,
    crc: 0,
    bytes: 0,
    packedBytes: 0,
    ...more,
  });
  const large = entry({ bytes: beyond, packedBytes: beyond });
  const far = entry({
    path: 'bag/far.bin',
    place: localHeader(entry({})).byteLength + beyond + 24,
    isStreamed: false,
  });
  // The zip is a hole of zeros but for these.
  const parts: { readonly at: number; readonly bytes: Buffer }[] = [
    { at: 0, bytes: localHeader(entry({})) },
    { at: far.place, bytes: localHeader(far) },
  ];
  const start = far.place + localHeader(far).byteLength;
  const directory = Buffer.concat([centralHeader(large), centralHeader(far)]);
  const end = endOfDirectory({ entries: 2, start, bytes: directory.byteLength });
  parts.push({ at: start, bytes: Buffer.concat([directory, end]) });
  const found: string[] = [];
  const zip = {
    bytes: start + directory.byteLength + end.byteLength,
    async *range(from: number, to: number) {
      const hole = Buffer.alloc(to - from);
      for (const { at, bytes } of parts)
        for (const [offset, byte] of bytes.entries())
          if (at + offset >= from && at + offset < to) hole[at + offset - from] = byte;
      yield await Promise.resolve(hole);
    },
    close: () => Promise.resolve(),
  };
  for await (const { path, problem } of readZip(zip)) {
    expect(problem).toBeNull();
    found.push(path);
  }
  expect(found).toEqual(['bag/large.bin', 'bag/far.bin']);
});

test('an entry that unpacks to more than it says is stopped there', async () => {
  const path = join(folder, 'bomb.zip');
  const handle = await open(path, 'w+');
  const zip = openZip(handle, new Date(), () => undefined);
  const content = Buffer.alloc(5_000_000);
  await zip.add('bag/bomb', cut(content, 500_000), { compress: true });
  await zip.finish();
  const bytes = await handle.readFile();
  // The size in the directory, after its signature.
  const at = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02])) + 24;
  const told = Buffer.alloc(4);
  told.writeUInt32LE(600_000);
  await handle.write(told, 0, 4, at);
  await handle.close();
  let given = 0;
  const reading = async (): Promise<void> => {
    const zipped = await openFile(path);
    for await (const entry of readZip(zipped))
      for await (const chunk of entry.read()) given += chunk.byteLength;
  };
  await expect(reading()).rejects.toMatchObject({ kind: 'changed', path: 'bag/bomb' });
  expect(given).toBeLessThanOrEqual(600_000);
});

test('a medium that gives back anything else than what was written is told, whichever byte it is', async () => {
  const path = join(folder, 'spoiled.zip');
  const contents = [Buffer.from('few'), Buffer.alloc(3_000), Buffer.alloc(600_000, 'many of them')] as const;
  const judged = async (spoiled: number): Promise<{ readonly bytes: number; readonly says: string }> => {
    const handle = await open(path, 'w');
    const follower = follow(path);
    try {
      const zip = openZip(spoiling(handle, spoiled), new Date(), () => undefined, undefined, follower);
      const expected: FileEntry[] = [];
      for (const [number, content] of contents.entries()) {
        for (const compress of [true, false]) {
          const entry = `bag/${String(number)}${compress ? 'd' : 's'}`;
          await zip.add(entry, cut(content, 550_000), { compress });
          const sha256 = createHash('sha256').update(content).digest('hex');
          expected.push({ path: entry, bytes: content.byteLength, sha256 });
        }
      }
      const written = await zip.finish();
      const says = await readBack(
        path,
        undefined,
        expected,
        written,
        follower,
        new AbortController().signal,
        () => undefined,
      ).catch((error: unknown) => (error instanceof ExpectedError ? error.message : String(error)));
      return { bytes: written.bytes, says };
    } finally {
      await handle.close();
      await follower.close();
    }
  };
  const { bytes, says } = await judged(-1);
  expect(says).toBe(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  );
  // All of the headers, descriptors and the directory, and some of the contents.
  const directory = (await readFile(path)).indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  const spoiled = [0, 5, 17, 31, 40, 52, 60, 70, 300_000, directory - 600_000, directory - 3, directory - 14];
  for (let at = directory + 1; at < bytes; at += 23) spoiled.push(at);
  for (const at of spoiled) {
    expect((await judged(at)).says, `byte ${String(at)} of ${String(bytes)}`).toMatch(
      /^The package could not be read back as it was written/,
    );
  }
});

/** A file in which one byte comes to lie as another than was written. */
function spoiling(handle: FileHandle, at: number): FileHandle {
  let place = 0;
  return new Proxy(handle, {
    get: (_target, name) => {
      if (name !== 'writev') throw new Error(`${String(name)} is not foreseen`);
      return async (chunks: readonly Uint8Array[]) => {
        const all = Buffer.concat(chunks);
        if (at >= place && at < place + all.byteLength) all[at - place] = (all[at - place] ?? 0) ^ 0x10;
        place += all.byteLength;
        await handle.writeFile(all);
        return { bytesWritten: all.byteLength, buffers: chunks };
      };
    },
  });
}

async function* cut(content: Buffer, piece: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += piece)
    yield await Promise.resolve(content.subarray(at, at + piece));
}
