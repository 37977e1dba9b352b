import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeLeftovers } from '#core/exports/leftovers.ts';
import { writePackage } from '#core/exports/package.ts';
import type { PackageCollection, PackageProgress } from '#core/exports/package.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { ExpectedError, cancelled } from '#core/kernel/errors.ts';
import { ObjectInterrupted } from '#core/objectStore/objectStore.ts';
import { bigFile, collectionOf, columnOf, fileOf, manyRows, optionsOf, passingStaging } from './sources.ts';

const run = promisify(execFile);
const child = join(import.meta.dirname, 'crashingExport.ts');

let folder: string;

// Most tests here start processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000 });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Unpacks with the system's own tools and lets them judge; gives the folder of the package. */
async function judgedFromOutside(file: string): Promise<string> {
  await run('unzip', ['-t', file]);
  const unpacked = await mkdtemp(join(folder, 'unpacked-'));
  await run('unzip', ['-q', file, '-d', unpacked]);
  const [name] = await readdir(unpacked);
  const bag = join(unpacked, name ?? '');
  await run('sha256sum', ['--strict', '-c', 'manifest-sha256.txt'], { cwd: bag });
  await run('sha256sum', ['--strict', '-c', 'tagmanifest-sha256.txt'], { cwd: bag });
  return bag;
}

async function indexOf(bag: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(bag, 'data/files/index.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function failureOf(promise: Promise<unknown>): Promise<ExpectedError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ExpectedError) return error;
  throw new Error('It did not fail as expected.', { cause: error });
}

describe('a package', () => {
  test('passes unzip -t and sha256sum -c, and holds what its receipt says', async () => {
    const picture = Buffer.from('89504e470d0a1a0a', 'hex');
    const receipt = await writePackage(
      optionsOf(folder, {
        collections: [
          collectionOf('account', [{ name: '<img src=x onerror=alert(1)>', city: 'पुणे', note: '=cmd|1' }]),
          collectionOf('messages', [{ n: 1 }, { n: 2 }, { n: 3 }]),
          collectionOf('notices', []),
        ],
        files: [fileOf('workspaces/a b/नमस्ते 😀.png', picture, { row: { collection: 'media', id: '9' } })],
        processing: () => ({ mapHash: 'abc', snapshots: 1 }),
      }),
    );
    const bag = await judgedFromOutside(receipt.file);
    expect(await readFile(join(bag, 'data/records/messages.jsonl'), 'utf8')).toBe(
      '{"n":1}\n{"n":2}\n{"n":3}\n',
    );
    expect(await readFile(join(bag, 'bagit.txt'), 'utf8')).toBe(
      'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n',
    );
    expect(await indexOf(bag)).toEqual([
      {
        file: 'data/files/000001.png',
        name: 'नमस्ते 😀.png',
        key: 'workspaces/a b/नमस्ते 😀.png',
        contentType: 'image/png',
        bytes: picture.byteLength,
        sha256: sha256(picture),
        row: { collection: 'media', id: '9' },
        rowBytes: null,
        rowSha256: null,
        status: 'complete',
      },
    ]);
    const processing = JSON.parse(await readFile(join(bag, 'data/processing.json'), 'utf8')) as object;
    expect(processing).toMatchObject({ mapHash: 'abc', snapshots: 1, requestNumber: '17' });
    const info = await readFile(join(bag, 'bag-info.txt'), 'utf8');
    expect(info).toContain(`Payload-Oxum: ${String(receipt.payloadBytes)}.${String(receipt.payloadFiles)}\n`);
    expect(info).not.toMatch(/पुणे|img/);
    expect(receipt.collections.map(({ name, rows }) => [name, rows])).toEqual([
      ['account', 1],
      ['messages', 3],
      ['notices', 0],
    ]);
    expect(receipt.sha256).toBe(sha256(await readFile(receipt.file)));
    expect((await stat(receipt.file)).mode & 0o777).toBe(0o600);
    expect(await verifyPackage(receipt.file)).toMatchObject({
      ok: true,
      faults: [],
      about: expect.objectContaining({ packageId: receipt.packageId }) as object,
      sha256: receipt.sha256,
      records: 4,
    });
    expect(await readdir(folder)).toContain('export-17.zip');
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('gives back byte for byte whatever went in', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const name = fc
      .stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/)
      .filter((value) => !/^(con|prn|aux|nul)$|^(com|lpt)\d$/i.test(value));
    const collection = fc.record({ name, rows: fc.array(fc.dictionary(text, text), { maxLength: 20 }) });
    const file = fc.record({
      key: text,
      bytes: fc.uint8Array({ maxLength: 3_000 }),
      cut: fc.integer({ min: 1, max: 900 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(collection, { maxLength: 4, selector: (value) => value.name.toLowerCase() }),
        fc.array(file, { maxLength: 5 }),
        async (collections, files) => {
          const inside = await mkdtemp(join(folder, 'run-'));
          const receipt = await writePackage(
            optionsOf(inside, {
              collections: collections.map(({ name, rows }) => collectionOf(name, rows)),
              files: files.map(({ key, bytes, cut }) => ({
                key,
                contentType: 'application/x-unknown',
                open: () => Promise.resolve({ stream: inPieces(bytes, cut), bytes: bytes.byteLength }),
              })),
            }),
          );
          const bag = await judgedFromOutside(receipt.file);
          for (const { name, rows } of collections) {
            const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
            expect(await readFile(join(bag, `data/records/${name}.jsonl`), 'utf8')).toBe(lines);
          }
          const index = await indexOf(bag);
          expect(index.map(({ key }) => key)).toEqual(
            files.map(({ key }) => JSON.parse(JSON.stringify(key)) as string),
          );
          for (const [at, { bytes }] of files.entries()) {
            const stored = await readFile(join(bag, String(index[at]?.['file'])));
            expect(stored.equals(Buffer.from(bytes))).toBe(true);
          }
          expect((await verifyPackage(receipt.file)).faults).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
    // Each run is judged by programs of their own.
  }, 180_000);

  test('counts lines however the source cuts them, and ends the last one', async () => {
    const pieces = ['{"a":', '1}\n{"a"', ':2}\n', '', '{"a":3}'];
    const receipt = await writePackage(
      optionsOf(folder, {
        collections: [
          { name: 'cut', rows: () => Readable.from(pieces), expectedRows: () => Promise.resolve(3) },
        ],
      }),
    );
    const bag = await judgedFromOutside(receipt.file);
    expect(await readFile(join(bag, 'data/records/cut.jsonl'), 'utf8')).toBe('{"a":1}\n{"a":2}\n{"a":3}\n');
  });

  test('of 300,000 rows and a 200 MB object passes through in little memory', async () => {
    const bytes = 200 * 1024 * 1024;
    let most = 0;
    const before = process.memoryUsage();
    const seen: PackageProgress[] = [];
    const receipt = await writePackage(
      optionsOf(folder, {
        collections: [
          { name: 'messages', rows: () => manyRows(300_000), expectedRows: () => Promise.resolve(300_000) },
        ],
        files: [
          fileOf('big', new Uint8Array(), { open: () => Promise.resolve({ stream: bigFile(bytes), bytes }) }),
        ],
      }),
      {
        progress: (now) => {
          seen.push(now);
          most = Math.max(most, process.memoryUsage().rss - before.rss);
        },
      },
    );
    expect(receipt.files.complete).toBe(1);
    expect(receipt.collections[0]?.rows).toBe(300_000);
    expect(most).toBeLessThan(150 * 1024 * 1024);
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(
      new Set(['records', 'files', 'sealing', 'reading_back']),
    );
    await run('unzip', ['-t', receipt.file]);
  });

  test('has a table and a schema of what each collection may hold, and leaves nothing of them elsewhere', async () => {
    const rows = [
      { id: '1', note: '=1+1', seen: null },
      { id: '2', note: 'a "b",\n\u202etxt', seen: { at: 1.5 } },
    ];
    const columns = [columnOf('id', 'integer'), columnOf('note', 'text'), columnOf('seen', 'json')];
    const inFolder: string[] = [];
    const { file, collections } = await writePackage(
      optionsOf(folder, {
        collections: [
          { ...collectionOf('notes', rows), title: 'Notes', columns },
          { ...collectionOf('empty', []), columns },
        ],
      }),
      { progress: () => inFolder.push(...readdirSync(folder)) },
    );
    // The spool has no name: nothing but the package itself was ever to be seen.
    expect(new Set(inFolder).size).toBe(1);
    const bag = await judgedFromOutside(file);
    expect(await readFile(join(bag, 'data/tables/notes.csv'), 'utf8')).toBe(
      '\uFEFF"id","note","seen"\r\n"1","\'=1+1",\r\n"2","a ""b"",\n\u202etxt","{""at"":1.5}"\r\n',
    );
    expect(await readFile(join(bag, 'data/tables/empty.csv'), 'utf8')).toBe('\uFEFF"id","note","seen"\r\n');
    const schema: unknown = JSON.parse(await readFile(join(bag, 'data/schemas/notes.schema.json'), 'utf8'));
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Notes',
      required: ['id', 'note', 'seen'],
      properties: { id: { title: 'Id', type: ['integer', 'string', 'null'] } },
    });
    expect(collections[0]).toMatchObject({
      rows: 2,
      table: 'data/tables/notes.csv',
      schema: 'data/schemas/notes.schema.json',
    });
    expect(await readFile(join(bag, 'VERIFY.txt'), 'utf8')).toContain('unzip -t export-17.zip');
    expect((await verifyPackage(file)).faults).toEqual([]);
  });

  test('is refused when the database counts other rows than were read', async () => {
    const lying: PackageCollection = {
      ...collectionOf('messages', [{ n: 1 }]),
      expectedRows: () => Promise.resolve(2),
    };
    const failure = await failureOf(writePackage(optionsOf(folder, { collections: [lying] })));
    expect(failure.code).toBe('conflict');
    expect(failure.message).toContain('1 rows of messages where the database counts 2');
    expect(await readdir(folder)).toEqual([]);
  });

  test('never overwrites, neither at the start nor at the end', async () => {
    const taken = join(folder, 'export-17.zip');
    await writeFile(taken, 'another');
    expect((await failureOf(writePackage(optionsOf(folder)))).code).toBe('conflict');
    await rm(taken);
    const meanwhile = collectionOf('messages', [{ n: 1 }]);
    const failure = await failureOf(
      writePackage(
        optionsOf(folder, {
          collections: [meanwhile],
          processing: async () => {
            await writeFile(taken, 'meanwhile');
            return {};
          },
        }),
      ),
    );
    expect(failure.code).toBe('conflict');
    expect(await readFile(taken, 'utf8')).toBe('meanwhile');
    expect(await readdir(folder)).toEqual(['export-17.zip']);
  });

  test.each(['../up', 'a/b', 'a\nb', '<b>', 'con', 'x.', '', 'नाम', '.hidden'])(
    'refuses the name %j for itself and for a collection',
    async (name) => {
      expect((await failureOf(writePackage(optionsOf(folder, { name })))).code).toBe('invalid_input');
      const collections = [collectionOf(name, [])];
      expect((await failureOf(writePackage(optionsOf(folder, { collections })))).code).toBe('invalid_input');
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test('lets no line break into bag-info.txt', async () => {
    const subjectReference = 's-1\nFile-Count: 0';
    expect((await failureOf(writePackage(optionsOf(folder, { subjectReference })))).code).toBe(
      'invalid_input',
    );
  });
});

describe('objects that are not as expected', () => {
  test('are written down as such, never as empty files', async () => {
    const bytes = Buffer.from('picture');
    const interrupted = (reason: 'gone' | 'changed', first: Uint8Array[]) => () =>
      Promise.resolve({
        bytes: 100,
        stream: Readable.from(
          (async function* () {
            for (const chunk of first) yield await Promise.resolve(chunk);
            throw new ObjectInterrupted(reason);
          })(),
        ),
      });
    const receipt = await writePackage(
      optionsOf(folder, {
        files: [
          fileOf('vanished', bytes, { open: () => Promise.resolve('gone') }),
          fileOf('a/../b', bytes, { open: () => Promise.resolve('unreadable_key') }),
          fileOf('vanished before its first byte', bytes, { open: interrupted('gone', []) }),
          fileOf('replaced half way', bytes, { open: interrupted('changed', [bytes]) }),
          fileOf('ends early', bytes, {
            open: () => Promise.resolve({ bytes: 100, stream: Readable.from([bytes]) }),
          }),
          fileOf('other hash', bytes, { rowSha256: 'ab'.repeat(32), rowBytes: 7 }),
          fileOf('other size', bytes, { rowBytes: 8 }),
          fileOf('other etag', bytes, {
            listedEtag: '"1"',
            open: () => Promise.resolve({ bytes: 7, etag: '"2"', stream: Readable.from([bytes]) }),
          }),
          fileOf('as its row says', bytes, { rowBytes: 7, rowSha256: `\\x${sha256(bytes).toUpperCase()}` }),
          fileOf('truly empty', new Uint8Array(), { rowBytes: 0 }),
        ],
      }),
    );
    expect(receipt.files).toEqual({
      complete: 2,
      differing: 3,
      incomplete: 2,
      missing: 3,
      unavailable: 0,
      redacted: 0,
    });
    const bag = await judgedFromOutside(receipt.file);
    const index = await indexOf(bag);
    expect(index.map(({ file, status, reason, differs }) => [file, status, reason ?? differs])).toEqual([
      [null, 'missing', 'gone'],
      [null, 'missing', 'unreadable_key'],
      [null, 'missing', 'gone'],
      ['data/files/000004.png', 'incomplete', 'changed'],
      ['data/files/000005.png', 'incomplete', 'gone'],
      ['data/files/000006.png', 'differs', ['sha256']],
      ['data/files/000007.png', 'differs', ['bytes']],
      ['data/files/000008.png', 'differs', ['etag']],
      ['data/files/000009.png', 'complete', undefined],
      ['data/files/000010.png', 'complete', undefined],
    ]);
    expect((await verifyPackage(receipt.file)).ok).toBe(true);
  });

  test('a source that fails takes the package with it', async () => {
    const access = new ExpectedError('access_closed', 'The access has ended.');
    const rows = async function* () {
      yield* manyRows(1_000);
      throw access;
    };
    await expect(writePackage(optionsOf(folder, { collections: [{ name: 'messages', rows }] }))).rejects.toBe(
      access,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test('are asked for a few ahead, and those are let go when one fails', async () => {
    const streams: Readable[] = [];
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('the beginning');
      await wait(50);
      throw new Error('the store fails');
    }
    const files = Array.from({ length: 60 }, (_each, number) =>
      fileOf(String(number), Buffer.alloc(1), {
        open: () => {
          const stream = number === 0 ? Readable.from(breaking()) : bigFile(50_000_000);
          streams.push(stream);
          return Promise.resolve({ stream, bytes: 50_000_000 });
        },
      }),
    );
    await expect(writePackage(optionsOf(folder, { files }))).rejects.toThrow('the store fails');
    expect(streams.length).toBeGreaterThan(1);
    expect(streams.length).toBeLessThanOrEqual(17);
    await vi.waitUntil(() => streams.every((stream) => stream.destroyed));
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('an export that does not come to its end', () => {
  test('when cancelled stops its sources, even one that is being waited for', async () => {
    const stop = new AbortController();
    const stuck = new Readable({ read: () => undefined });
    let opened = false;
    const failure = failureOf(
      writePackage(
        optionsOf(folder, {
          files: [
            fileOf('stuck', new Uint8Array(), {
              open: () => {
                opened = true;
                setImmediate(() => {
                  stop.abort();
                });
                return Promise.resolve({ stream: stuck, bytes: 5 });
              },
            }),
          ],
        }),
        { signal: stop.signal },
      ),
    );
    expect((await failure).message).toBe(cancelled('The export').message);
    expect(opened).toBe(true);
    expect(stuck.destroyed).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  test('when cancelled in each phase leaves nothing', async () => {
    for (const phase of ['records', 'files', 'sealing', 'reading_back'] as const) {
      const stop = new AbortController();
      let ended = false;
      const rows = async function* () {
        try {
          yield* manyRows(20_000);
        } finally {
          ended = true;
        }
      };
      const failure = await failureOf(
        writePackage(
          optionsOf(folder, {
            collections: [{ name: 'messages', rows }],
            files: [fileOf('one', Buffer.alloc(100_000, 7))],
          }),
          {
            signal: stop.signal,
            progress: (now) => {
              if (now.phase === phase && (phase !== 'records' || now.bytes > 0)) stop.abort();
            },
          },
        ),
      );
      expect([phase, failure.code, ended]).toEqual([phase, 'cancelled', true]);
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test('because the disk is full says so, stops its sources and leaves nothing', async (context) => {
    if (process.getuid?.() !== 0) context.skip('mounting a small disk needs root');
    const small = join(folder, 'small');
    await mkdir(small);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
    } catch {
      context.skip('this machine lets nobody mount a small disk');
    }
    try {
      let ended = false;
      const rows = async function* () {
        try {
          yield* manyRows(Infinity);
        } finally {
          ended = true;
        }
      };
      const failure = await failureOf(
        writePackage(
          optionsOf(small, {
            collections: [{ name: 'messages', rows }],
            staging: passingStaging(join(small, 'staging')),
          }),
        ),
      );
      expect([failure.code, failure.message]).toEqual([
        'disk',
        'The disk is full, nothing was kept; free some space and try again.',
      ]);
      expect(ended).toBe(true);
      expect(await readdir(small)).toEqual([]);
      // The disk is free again: a package that fits is written.
      await writePackage(optionsOf(small, { collections: [collectionOf('account', [{ n: 1 }])] }));
      expect(await readdir(small)).toEqual(['export-17.zip']);
    } finally {
      await run('umount', [small]);
    }
  });

  test('because the file may not grow any more ends in the same way without root', async () => {
    // `ulimit -f` counts blocks of 1,024 bytes; the signal it sends is ignored by Node, so the write fails.
    const limited = spawn(
      'bash',
      ['-c', `ulimit -f 512; exec "$0" "$@"`, process.execPath, child, folder, '2000000'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let told = '';
    limited.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const [code] = (await once(limited, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(told).toContain('The medium can not hold a file of this size, nothing was kept');
    expect(await readdir(folder)).toEqual([]);
  });

  test('because the medium does not give back what was written says so', async () => {
    // One byte is stored other than it was written.
    const handle = await open(join(folder, 'probe'), 'w');
    await handle.close();
    await unlink(join(folder, 'probe'));
    const spoiled = vi
      .spyOn(Object.getPrototypeOf(handle) as FileHandle, 'writev')
      .mockImplementationOnce(async function (this: FileHandle, chunks) {
        const all = Buffer.concat(chunks as readonly Uint8Array[]);
        all[all.byteLength - 1] = (all.at(-1) ?? 0) ^ 0x10;
        await this.writeFile(all);
        return { bytesWritten: all.byteLength, buffers: chunks };
      });
    const failure = await failureOf(
      writePackage(optionsOf(folder, { collections: [collectionOf('account', [{ n: 1 }])] })),
    );
    expect(spoiled).toHaveBeenCalled();
    spoiled.mockRestore();
    expect(failure.message).toBe(
      'The package could not be read back as it was written, so it was thrown away; choose another folder or medium and export again.',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test('because the folder is missing or may not be written to says so', async () => {
    const missing = await failureOf(writePackage(optionsOf(join(folder, 'missing'))));
    expect([missing.code, missing.message]).toEqual([
      'disk',
      'The folder does not exist, nothing was kept; choose another one.',
    ]);
  });

  test('because it was killed leaves no final name, and the next run cleans up', async () => {
    const victim = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(victim.stdout, 'data');
    const living = (await readdir(folder)).filter((name) => name.endsWith('.partial'));
    expect(living).toHaveLength(1);
    expect((await stat(join(folder, living[0] ?? ''))).mode & 0o777).toBe(0o600);
    // While it lives its file is left alone.
    expect(await removeLeftovers(folder)).toEqual({ removed: 0, kept: 1 });
    const gone = once(victim, 'close');
    victim.kill('SIGKILL');
    await gone;
    expect(await readdir(folder)).toEqual(living);
    expect(await removeLeftovers(folder)).toEqual({ removed: 1, kept: 0 });
    expect(await readdir(folder)).toEqual([]);
  });

  test('because the machine slept goes on where it was', async () => {
    const sleeper = spawn(process.execPath, [child, folder, '200000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    sleeper.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
    const closed = once(sleeper, 'close');
    await once(sleeper.stdout, 'data');
    sleeper.kill('SIGSTOP');
    await wait(300);
    expect((await readdir(folder)).some((name) => name.endsWith('.zip'))).toBe(false);
    sleeper.kill('SIGCONT');
    expect(await closed).toEqual([0, null]);
    const verdict = await verifyPackage(join(folder, 'export-17.zip'));
    expect(verdict).toMatchObject({ ok: true, records: 200_000 });
    expect(told).toContain(verdict.sha256);
  });

  test('leaves foreign files and those of other machines alone', async () => {
    const foreign = '.privacy-console-00000000-1-1700000000000-0123456789ab.partial';
    await writeFile(join(folder, foreign), '');
    await writeFile(join(folder, 'mine.partial'), '');
    await symlink('/etc/passwd', join(folder, foreign.replace('0123', 'aaaa')));
    expect(await removeLeftovers(folder)).toEqual({ removed: 0, kept: 1 });
    expect(await readdir(folder)).toHaveLength(3);
  });
});

describe('a package as a folder', () => {
  const contents = {
    form: 'folder',
    collections: [{ ...collectionOf('account', [{ n: 1 }]), columns: [columnOf('n', 'integer')] }],
    files: [fileOf('one', Buffer.from('first')), fileOf('two', Buffer.from('second'))],
  } as const;

  async function filesBelow(bag: string): Promise<string[]> {
    const all = await readdir(bag, { recursive: true, withFileTypes: true });
    return all
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name).slice(bag.length));
  }

  test('holds the files the zip holds, passes sha256sum -c, and is for its owner only', async () => {
    const receipt = await writePackage(optionsOf(folder, contents));
    expect(receipt.file).toBe(join(folder, 'export-17'));
    expect(await readdir(folder)).toEqual(['export-17']);
    for (const manifest of ['manifest-sha256.txt', 'tagmanifest-sha256.txt'])
      await run('sha256sum', ['--strict', '-c', manifest], { cwd: receipt.file });
    expect(await verifyPackage(receipt.file)).toMatchObject({
      ok: true,
      faults: [],
      about: expect.objectContaining({ packageId: receipt.packageId }) as object,
      sha256: sha256(await readFile(join(receipt.file, 'tagmanifest-sha256.txt'))),
      bytes: receipt.bytes,
    });
    expect((await verifyPackage(receipt.file)).sha256).toBe(receipt.sha256);
    expect((await stat(receipt.file)).mode & 0o777).toBe(0o700);
    expect((await stat(join(receipt.file, 'data/files'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(receipt.file, 'data/records/account.jsonl'))).mode & 0o777).toBe(0o600);
    const zip = await writePackage(optionsOf(folder, { ...contents, form: 'zip' }));
    const bag = await judgedFromOutside(zip.file);
    expect((await filesBelow(receipt.file)).sort()).toEqual((await filesBelow(bag)).sort());
  });

  test('is never put over anything, and leaves nothing when it fails, is cancelled or crashes', async () => {
    await mkdir(join(folder, 'export-17'));
    expect((await failureOf(writePackage(optionsOf(folder, contents)))).code).toBe('conflict');
    await rm(join(folder, 'export-17'), { recursive: true });
    const meanwhile = async (): Promise<object> => {
      await mkdir(join(folder, 'export-17'));
      await writeFile(join(folder, 'export-17', 'mine'), 'x');
      return {};
    };
    expect(
      (await failureOf(writePackage(optionsOf(folder, { ...contents, processing: meanwhile })))).code,
    ).toBe('conflict');
    expect(await readdir(folder)).toEqual(['export-17']);
    expect(await readdir(join(folder, 'export-17'))).toEqual(['mine']);
    await rm(join(folder, 'export-17'), { recursive: true });
    for (const phase of ['records', 'files', 'sealing', 'reading_back'] as const) {
      const stop = new AbortController();
      const failure = await failureOf(
        writePackage(optionsOf(folder, contents), {
          signal: stop.signal,
          progress: (now) => {
            if (now.phase === phase) stop.abort();
          },
        }),
      );
      expect(failure.message).toBe(cancelled('The export').message);
      expect(await readdir(folder)).toEqual([]);
    }
    const changed = await failureOf(
      writePackage(optionsOf(folder, contents), {
        progress: ({ phase }) => {
          const [temporary = ''] = readdirSync(folder);
          if (phase === 'reading_back')
            writeFileSync(join(folder, temporary, 'data/files/000001.png'), 'other');
        },
      }),
    );
    expect(changed.code).toBe('disk');
    expect(await readdir(folder)).toEqual([]);
    // As a console that was killed before the machine restarted leaves it.
    const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
    const left = `.privacy-console-${host}-1-1000000000000-0123456789ab.partial`;
    await mkdir(join(folder, left, 'data'), { recursive: true });
    await writeFile(join(folder, left, 'data', 'x'), 'personal');
    expect(await removeLeftovers(folder)).toEqual({ removed: 1, kept: 0 });
    expect(await readdir(folder)).toEqual([]);
  });

  test('names what was changed, added, renamed, taken away or put in as a link', async () => {
    const { file: bag } = await writePackage(optionsOf(folder, contents));
    const at = (path: string): string => join(bag, path);
    const one = await readFile(at('data/files/000001.png'));
    const attacks: readonly (readonly [object, () => Promise<void>, () => Promise<void>])[] = [
      [
        { kind: 'changed', path: 'data/files/000001.png' },
        () => writeFile(at('data/files/000001.png'), 'x'),
        () => writeFile(at('data/files/000001.png'), one),
      ],
      [
        { kind: 'missing', path: 'data/files/000001.png' },
        () => rm(at('data/files/000001.png')),
        () => writeFile(at('data/files/000001.png'), one),
      ],
      [
        { kind: 'renamed', path: 'data/files/000001.png' },
        () => rename(at('data/files/000001.png'), at('data/files/x.png')),
        () => rename(at('data/files/x.png'), at('data/files/000001.png')),
      ],
      [
        { kind: 'added', path: 'data/more.txt' },
        () => writeFile(at('data/more.txt'), 'x'),
        () => rm(at('data/more.txt')),
      ],
      [
        { kind: 'malformed', path: 'package/data/files/000001.png' },
        async () => {
          await rename(at('data/files/000001.png'), join(folder, 'elsewhere'));
          await symlink(join(folder, 'elsewhere'), at('data/files/000001.png'));
        },
        async () => {
          await rm(at('data/files/000001.png'));
          await rename(join(folder, 'elsewhere'), at('data/files/000001.png'));
        },
      ],
      [
        { kind: 'malformed', path: 'package/data/records' },
        async () => {
          await rename(at('data/records'), join(folder, 'elsewhere'));
          await symlink(join(folder, 'elsewhere'), at('data/records'));
        },
        async () => {
          await rm(at('data/records'));
          await rename(join(folder, 'elsewhere'), at('data/records'));
        },
      ],
      [
        { kind: 'unsafe_name', path: 'package/data/con.txt' },
        () => writeFile(at('data/con.txt'), 'x'),
        () => rm(at('data/con.txt')),
      ],
      [{ kind: 'duplicate' }, () => writeFile(at('BAGIT.txt'), 'x'), () => rm(at('BAGIT.txt'))],
    ];
    for (const [named, attack, undo] of attacks) {
      await attack();
      expect((await verifyPackage(bag)).faults).toContainEqual(expect.objectContaining(named));
      await undo();
      expect((await verifyPackage(bag)).faults).toEqual([]);
    }
    await mkdir(join(folder, 'empty'));
    expect(await verifyPackage(join(folder, 'empty'))).toMatchObject({ ok: false, sha256: '' });
  });
});

describe('tampering', () => {
  // The attack: someone between the desk and the person changes, adds, takes
  // away or renames a file of the package, or cuts it short, and passes it on.
  async function unpackedPackage(): Promise<{
    readonly root: string;
    readonly bag: string;
    readonly file: string;
  }> {
    const { file } = await writePackage(
      optionsOf(folder, {
        collections: [
          { ...collectionOf('account', [{ n: 1 }]), columns: [columnOf('n', 'integer')] },
          collectionOf('messages', [{ n: 2 }, { n: 3 }]),
        ],
        files: [fileOf('one', Buffer.from('first')), fileOf('two', Buffer.from('second'))],
      }),
    );
    const bag = await judgedFromOutside(file);
    return { root: join(bag, '..'), bag, file };
  }

  async function rezipped(root: string, name = 'tampered.zip'): Promise<string> {
    const file = join(folder, name);
    await rm(file, { force: true });
    await run('zip', ['-q', '-r', '-X', file, 'export-17'], { cwd: root });
    return file;
  }

  const files = [
    'bag-info.txt',
    'bagit.txt',
    'VERIFY.txt',
    'manifest-sha256.txt',
    'tagmanifest-sha256.txt',
    'data/processing.json',
    'data/tables/account.csv',
    'data/schemas/account.schema.json',
    'data/records/account.jsonl',
    'data/records/messages.jsonl',
    'data/files/000001.png',
    'data/files/000002.png',
    'data/files/index.jsonl',
  ];

  test('re-zipping without changing anything is none', async () => {
    const { root } = await unpackedPackage();
    expect((await verifyPackage(await rezipped(root))).faults).toEqual([]);
  });

  test('with each file in turn is named: changed, missing, renamed', async () => {
    const { root, bag } = await unpackedPackage();
    for (const path of files) {
      const at = join(bag, path);
      const original = await readFile(at);
      await writeFile(at, Buffer.concat([original, Buffer.from('0')]));
      const changed = await verifyPackage(await rezipped(root));
      expect(changed.faults.map((fault) => fault.path)).toContain(path);
      expect(changed.ok).toBe(false);

      await rm(at);
      const missing = await verifyPackage(await rezipped(root));
      expect(missing.faults).toContainEqual(expect.objectContaining({ kind: 'missing', path }));

      await writeFile(`${at}.old`, original);
      const renamed = await verifyPackage(await rezipped(root));
      const kind = ['manifest-sha256.txt', 'tagmanifest-sha256.txt'].includes(path)
        ? /renamed|missing/
        : /renamed/;
      const named = renamed.faults
        .filter((fault) => fault.path === path)
        .map((fault) => fault.kind as string);
      expect(named.join()).toMatch(kind);

      await rm(`${at}.old`);
      await writeFile(at, original);
    }
    expect((await verifyPackage(await rezipped(root))).ok).toBe(true);
  });

  test('with an added file is named, as is one whose record is not in the manifest only', async () => {
    const { root, bag } = await unpackedPackage();
    for (const path of ['data/records/more.jsonl', 'data/files/000003.png', 'fetch.txt', 'README.html']) {
      await writeFile(join(bag, path), 'x');
      const { faults } = await verifyPackage(await rezipped(root));
      expect(faults).toContainEqual(expect.objectContaining({ kind: 'added', path }));
      await rm(join(bag, path));
    }
  });

  test('that keeps the manifests consistent is found by the counts', async () => {
    const { root, bag } = await unpackedPackage();
    await writeFile(join(bag, 'data/records/messages.jsonl'), '{"n":2}\n');
    await run(
      'bash',
      [
        '-c',
        'find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt; sha256sum VERIFY.txt bag-info.txt bagit.txt manifest-sha256.txt > tagmanifest-sha256.txt',
      ],
      { cwd: bag },
    );
    const { faults } = await verifyPackage(await rezipped(root));
    expect(faults).toContainEqual(
      expect.objectContaining({ kind: 'count', path: 'data/records/messages.jsonl' }),
    );
  });

  test('that drops a record of a table, or a table with its mention of it, is found by the counts', async () => {
    const { root, bag } = await unpackedPackage();
    const table = join(bag, 'data/tables/account.csv');
    const processing = join(bag, 'data/processing.json');
    const original = await readFile(processing, 'utf8');
    const attacks: readonly (readonly [string, () => Promise<void>])[] = [
      // Line ends within quotes are no records.
      ['data/tables/account.csv', () => writeFile(table, '"n"\r\n')],
      ['data/tables/account.csv', () => writeFile(table, '"n"\r\n"1\n2\n3"\r\n4\r\n')],
      ['data/tables/account.csv', () => rm(table)],
      [
        'data/processing.json',
        () => writeFile(processing, original.replace(/\s*"table": "data.tables.account.csv",/, '')),
      ],
      [
        'data/schemas/account.schema.json',
        () => writeFile(processing, original.replace(/\s*"(table|schema)": "[^"]*",/g, '')),
      ],
    ];
    for (const [path, attack] of attacks) {
      await writeFile(table, '"n"\r\n1\r\n');
      await writeFile(processing, original);
      await attack();
      await run(
        'bash',
        [
          '-c',
          'find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt; sha256sum VERIFY.txt bag-info.txt bagit.txt manifest-sha256.txt > tagmanifest-sha256.txt',
        ],
        { cwd: bag },
      );
      const { faults } = await verifyPackage(await rezipped(root));
      expect(faults).toContainEqual(expect.objectContaining({ path }));
    }
  });

  test('that hides a snapshot, or says otherwise what was read from which, is found by the counts', async () => {
    const began = '2026-11-22T10:00:00+00:00';
    const { file } = await writePackage(
      optionsOf(folder, {
        collections: [
          {
            ...collectionOf('messages', [{ n: 1 }, { n: 2 }, { n: 3 }]),
            reading: () => ({
              parts: [
                { snapshot: 1, rows: 2 },
                { snapshot: 2, rows: 1 },
              ],
              rowsAtEnd: 3,
            }),
          },
        ],
        snapshots: () => [
          { number: 1, began },
          { number: 2, began },
        ],
        resumed: () => [{ at: began, snapshot: 2 }],
      }),
    );
    expect((await verifyPackage(file)).faults).toEqual([]);
    const bag = await judgedFromOutside(file);
    expect(await readFile(join(bag, 'data/index.html'), 'utf8')).toContain(
      'read at 2 moments, as reading was interrupted and went on',
    );
    const at = join(bag, 'data/processing.json');
    const original = await readFile(at, 'utf8');
    const changed = JSON.parse(original) as {
      snapshots: unknown[];
      resumed: unknown[];
      collections: { parts: object[] }[];
    };
    for (const [says, change] of [
      [/^Its Resumed-Count /, () => changed.resumed.pop()],
      [/^Its Snapshot-Count /, () => changed.snapshots.pop()],
      [/^Its parts do not come to what was exported/, () => changed.collections[0]?.parts.pop()],
    ] as const) {
      change();
      await writeFile(at, JSON.stringify(changed));
      await run(
        'bash',
        [
          '-c',
          'find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt; sha256sum VERIFY.txt bag-info.txt bagit.txt manifest-sha256.txt > tagmanifest-sha256.txt',
        ],
        { cwd: bag },
      );
      const { faults } = await verifyPackage(await rezipped(join(bag, '..')));
      expect(faults).toContainEqual(
        expect.objectContaining({ kind: 'count', says: expect.stringMatching(says) as string }),
      );
    }
  });

  test('by cutting the file short anywhere is named', async () => {
    const { file } = await unpackedPackage();
    const { size } = await stat(file);
    const whole = await readFile(file);
    for (let keep = 0; keep < size; keep += Math.ceil(size / 40)) {
      await truncate(file, keep);
      const verdict = await verifyPackage(file);
      expect(verdict.faults[0]?.kind).toBe('truncated');
      await writeFile(file, whole);
    }
  });

  test('by flipping any byte never goes unseen: the check or the hash of the file tells', async () => {
    const { file } = await unpackedPackage();
    const whole = await readFile(file);
    const { sha256: original } = await verifyPackage(file);
    let seen = 0;
    let tried = 0;
    for (let at = 0; at < whole.length; at += 13) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0x41;
      await writeFile(file, flipped);
      const verdict = await verifyPackage(file);
      expect(verdict.sha256).not.toBe(original);
      tried += 1;
      if (!verdict.ok) seen += 1;
    }
    // What is left are bytes without meaning: times, attributes, versions.
    expect(seen / tried).toBeGreaterThan(0.5);
  });

  test('by names that unpack elsewhere, links, or two files of one name is named', async () => {
    const { root, bag } = await unpackedPackage();
    await symlink('/etc/passwd', join(bag, 'data/records/link.jsonl'));
    const file = join(folder, 'evil.zip');
    await run('zip', ['-q', '-r', '-X', '-y', file, 'export-17'], { cwd: root });
    const link = await verifyPackage(file);
    expect(link.faults).toContainEqual(
      expect.objectContaining({ kind: 'malformed', path: 'export-17/data/records/link.jsonl' }),
    );
    await rm(join(bag, 'data/records/link.jsonl'));

    await writeFile(join(root, 'outside.txt'), 'x');
    await run('zip', ['-q', '-X', file, '../outside.txt'], { cwd: bag });
    const outside = await verifyPackage(file);
    expect(outside.faults.map(({ kind }) => kind)).toContain('unsafe_name');

    const upper = await rezipped(root);
    await rename(join(bag, 'bagit.txt'), join(bag, 'BAGIT.txt'));
    await run('zip', ['-q', '-X', upper, 'export-17/BAGIT.txt'], { cwd: root });
    expect((await verifyPackage(upper)).faults.map(({ kind }) => kind)).toContain('duplicate');
  });

  test('whose manifests were made anew is found by what else the package says of itself', async () => {
    const { file } = await writePackage(
      optionsOf(folder, {
        collections: [collectionOf('messages', [{ n: 1 }])],
        redactions: [
          {
            id: 1,
            ground: 'others',
            row: { collection: 'messages', id: '["2"]' },
            column: null,
            object: null,
          },
        ],
      }),
    );
    expect((await verifyPackage(file)).faults).toEqual([]);
    const bag = await judgedFromOutside(file);
    const anew =
      'find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt; sha256sum $(ls bagit.txt VERIFY.txt) bag-info.txt manifest-sha256.txt > tagmanifest-sha256.txt';
    const attacks: readonly (readonly [string, string, object])[] = [
      ['bagit.txt', 'sed -i s/1.0/0.97/ bagit.txt', { kind: 'malformed', path: 'bagit.txt' }],
      ['VERIFY.txt', 'rm VERIFY.txt', { kind: 'missing', path: 'VERIFY.txt' }],
      [
        'bag-info.txt',
        "sed -i 's/^Payload-Oxum.*/Payload-Oxum: 1.1/' bag-info.txt",
        { kind: 'count', path: 'bag-info.txt' },
      ],
      ['bag-info.txt', 'sed -i /Redaction-Count/d bag-info.txt', { kind: 'count', path: 'bag-info.txt' }],
      [
        'data/redactions.jsonl',
        'echo {} >> data/redactions.jsonl',
        { says: 'Its Redaction-Count is not the number of what was kept back.' },
      ],
      ['data/processing.json', 'rm data/processing.json', { kind: 'missing', path: 'data/processing.json' }],
      ['data/processing.json', "echo '{}' > data/processing.json", { kind: 'malformed' }],
      [
        'data/records/messages.jsonl',
        'rm data/records/messages.jsonl',
        { says: 'A collection that was exported is not in the package.' },
      ],
      ['data/files/index.jsonl', 'rm data/files/index.jsonl', { kind: 'missing' }],
      ['data/files/index.jsonl', 'echo 1 > data/files/index.jsonl', { kind: 'malformed' }],
      [
        'data/files/index.jsonl',
        'echo x > data/files/7.png',
        { says: 'The index does not know this file.', path: 'data/files/7.png' },
      ],
      [
        'data/files/index.jsonl',
        'echo \'{"file":"data/files/9.png"}\' > data/files/index.jsonl',
        { kind: 'count', path: 'data/files/9.png' },
      ],
    ];
    for (const [path, attack, named] of attacks) {
      const original = await readFile(join(bag, path));
      await run('bash', ['-c', `${attack}; ${anew}`], { cwd: bag });
      expect((await verifyPackage(bag)).faults, attack).toContainEqual(expect.objectContaining(named));
      await writeFile(join(bag, path), original);
      await run('bash', ['-c', `rm -f data/files/7.png; ${anew}`], { cwd: bag });
      expect((await verifyPackage(bag)).faults).toEqual([]);
    }
  });

  test('by a file beside the package’s folder, or a text that would fill the memory, is named', async () => {
    const { root, bag } = await unpackedPackage();
    await mkdir(join(root, 'zzz'));
    await writeFile(join(root, 'zzz', 'more.txt'), 'x');
    const beside = join(folder, 'beside.zip');
    await run('zip', ['-q', '-r', '-X', beside, 'export-17', 'zzz'], { cwd: root });
    expect((await verifyPackage(beside)).faults).toContainEqual(
      expect.objectContaining({ kind: 'added', path: 'zzz/more.txt' }),
    );
    await writeFile(join(bag, 'bag-info.txt'), Buffer.alloc(65 * 1024 * 1024));
    expect((await verifyPackage(await rezipped(root))).faults).toContainEqual(
      expect.objectContaining({ kind: 'malformed', path: 'bag-info.txt' }),
    );
  });

  test('a file that is no package is a verdict, one that is not there a sentence', async () => {
    const file = join(folder, 'x.zip');
    await writeFile(file, 'hello');
    expect((await verifyPackage(file)).faults).toMatchObject([{ kind: 'truncated', path: null }]);
    expect((await failureOf(verifyPackage(join(folder, 'none.zip')))).code).toBe('not_found');
  });
});

function inPieces(bytes: Uint8Array, size: number): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += size) pieces.push(bytes.subarray(at, at + size));
  return Readable.from(pieces);
}
