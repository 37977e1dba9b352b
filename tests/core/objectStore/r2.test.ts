import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writePackage } from '#core/exports/package.ts';
import type { PackageFile } from '#core/exports/files.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { ObjectInterrupted } from '#core/objectStore/objectStore.ts';
import type {
  ListedObject,
  ObjectStore,
  ObjectStoreConfig,
  OpenObject,
} from '#core/objectStore/objectStore.ts';
import { openObjectStore, probeBucket } from '#core/objectStore/r2.ts';
import { optionsOf } from '../exports/sources.ts';
import { startBadNetwork, startLocalR2 } from './localR2.ts';
import type { LocalR2, Meddling } from './localR2.ts';

const run = promisify(execFile);

let r2: LocalR2;
let store: ObjectStore;
const ends: (() => unknown)[] = [];

// Each test starts a store of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

beforeEach(async () => {
  r2 = await startLocalR2();
  store = openObjectStore(r2.config);
});

afterEach(async () => {
  store.close();
  for (const end of ends.splice(0).reverse()) await end();
  await r2.close();
  vi.unstubAllEnvs();
});

async function throughBadNetwork(meddle: Meddling) {
  const network = await startBadNetwork(r2.config, meddle);
  const client = openObjectStore(network.config);
  ends.push(network.close, () => {
    client.close();
  });
  return { store: client, requests: network.requests };
}

async function collected<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function listed(from: ObjectStore, prefix = ''): Promise<ListedObject[]> {
  return collected(from.list(prefix));
}

async function opened(from: ObjectStore, key: string): Promise<OpenObject> {
  const object = await from.read(key);
  if (typeof object === 'string') throw new Error(`It is ${object}.`);
  return object;
}

async function contentOf({ stream }: OpenObject): Promise<Buffer> {
  return Buffer.concat(await collected(stream as AsyncIterable<Uint8Array>));
}

async function failureOf(promise: Promise<unknown>): Promise<ExpectedError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ExpectedError) return error;
  throw new Error('It did not fail as expected.', { cause: error });
}

/** Keys that some server, proxy, parser or shell has tripped over. */
const oddKeys = [
  'workspaces/7/campaigns/2/with spaces in it.png',
  'workspaces/7/नमस्ते दुनिया/😀.png',
  'plus+sign',
  'percent%2Bsign',
  '%2e%2e/escaped',
  '<b>&amp;"quoted"\'</b>',
  'question?mark=1#hash',
  'back\\slash',
  'double//slash',
  '/leading',
  'trailing/',
  'tab\there',
  'line\nbreak',
  'carriage\rreturn',
  'control\u0001',
  'separator\u2028here',
  'delete\u007f',
  'bidi\u202Eoverride',
  'e\u0301 decomposed',
  '\u00e9 composed',
  '../up',
  'a/../b',
  'a/./b',
];

describe('listing', () => {
  test('tells what keys begin with, each once, over several pages, and leaves out what has no slash', async () => {
    const names = [
      'a b/',
      'नमस्ते/',
      'x+y%/',
      'workspaces/',
      ...Array.from({ length: 1_100 }, (_, place) => `w${String(place)}/`),
    ];
    await r2.fill([...names.map((name) => `${name}1`), 'workspaces/2/3', 'workspaces/4', 'favicon.png']);
    expect((await store.beginnings()).toSorted()).toEqual(names.toSorted());
  });

  test('gives odd keys as they are', async () => {
    await r2.fill(oddKeys);
    const found = await listed(store);
    expect(found.map(({ key }) => key).sort()).toEqual([...oddKeys].sort());
  });

  test('ends when cancelled', async () => {
    await r2.put('one', 'x');
    const error = await failureOf(collected(store.list('', { signal: AbortSignal.abort() })));
    expect(error.code).toBe('cancelled');
  });
});

describe('reading', () => {
  test('gives the bytes, their number, type and ETag', async () => {
    const bytes = Buffer.alloc(3_000_000, 'abc');
    await r2.put('workspaces/7/नमस्ते 😀.png', bytes, 'image/webp');
    const object = await opened(store, 'workspaces/7/नमस्ते 😀.png');
    expect(object).toMatchObject({ bytes: bytes.byteLength, contentType: 'image/webp' });
    expect((await contentOf(object)).equals(bytes)).toBe(true);
    expect(await store.head('workspaces/7/नमस्ते 😀.png')).toMatchObject({
      bytes: bytes.byteLength,
      etag: object.etag,
    });
  });

  test('of odd keys gives that object or says that it can not, never another object', async () => {
    for (const key of [...oddKeys, 'up', 'b', 'a/b']) await r2.put(key, key);
    const unread: string[] = [];
    for (const key of oddKeys) {
      try {
        const object = await store.read(key);
        if (typeof object === 'string') unread.push(key);
        else expect((await contentOf(object)).toString()).toBe(key);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpectedError);
        unread.push(key);
      }
    }
    // Dot segments on purpose; the three with line ends because the local R2 has no route for them.
    expect(unread).toEqual([
      'line\nbreak',
      'carriage\rreturn',
      'separator\u2028here',
      '../up',
      'a/../b',
      'a/./b',
    ]);
  });

  test('says when an object is not there', async () => {
    expect(await store.read('none')).toBe('gone');
    expect(await store.head('none')).toBe('gone');
    expect(await store.head('a/../b')).toBe('unreadable_key');
  });

  test('goes on where the connection broke', async () => {
    const bytes = Buffer.from(Array.from({ length: 500_000 }, (_, at) => at % 251));
    await r2.put('cut', bytes);
    const { store: bad, requests } = await throughBadNetwork(cutAfter(100_000, 3));
    const object = await opened(bad, 'cut');
    expect((await contentOf(object)).equals(bytes)).toBe(true);
    expect(requests.map(({ headers }) => headers.range !== undefined)).toEqual([false, true, true, true]);
  });

  test('breaks off when the object was replaced or removed meanwhile', async () => {
    for (const reason of ['changed', 'gone'] as const) {
      await r2.put('cut', Buffer.alloc(500_000, 1));
      const { store: bad } = await throughBadNetwork(cutAfter(100_000, 1));
      const object = await opened(bad, 'cut');
      if (reason === 'gone') await r2.remove('cut');
      else await r2.put('cut', Buffer.alloc(500_000, 2));
      const error: unknown = await contentOf(object).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ObjectInterrupted);
      expect((error as ObjectInterrupted).reason).toBe(reason);
    }
  });

  test('ends its connection when the stream is given up', async () => {
    await r2.put('big', Buffer.alloc(20_000_000));
    let closed = false;
    const { store: slow } = await throughBadNetwork((_, outgoing, pass) => {
      outgoing.on('close', () => (closed = true));
      pass();
    });
    const { stream } = await opened(slow, 'big');
    await once(stream, 'readable');
    stream.destroy();
    await vi.waitFor(() => {
      expect(closed).toBe(true);
    });
  });

  test('tries again when the store is overloaded, and gives up with a sentence without the key', async () => {
    await r2.put('+91 98765 43210.png', 'x');
    const twice = await throughBadNetwork((_, outgoing, pass, number) => {
      if (number <= 2) answer(outgoing, 503, 'SlowDown');
      else pass();
    });
    expect((await contentOf(await opened(twice.store, '+91 98765 43210.png'))).toString()).toBe('x');

    const always = await throughBadNetwork((_, outgoing) => {
      answer(outgoing, 503, 'SlowDown');
    });
    const failure = await failureOf(always.store.read('+91 98765 43210.png'));
    expect(failure.code).toBe('object_store');
    expect(failure.message).toBe(
      'R2 is overloaded or out of order, also after several tries; try again in a few minutes.',
    );
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('98765');
    expect(always.requests).toHaveLength(4);
  });

  test('asks for no checksum that R2 does not know', async () => {
    await r2.put('one', 'x');
    const { store: watched, requests } = await throughBadNetwork((_in, _out, pass) => {
      pass();
    });
    await contentOf(await opened(watched, 'one'));
    expect(Object.keys(requests[0]?.headers ?? {})).not.toContain('x-amz-checksum-mode');
    expect(Object.keys(requests[0]?.headers ?? {})).not.toContain('expect');
  });
});

describe('deleting', () => {
  test('takes more than a thousand keys, as many as listing finds, and tells of each', async () => {
    const keys = Array.from({ length: 1_003 }, (_, at) => `gone/${String(at).padStart(5, '0')}`);
    await r2.fill([...keys, 'kept/1', 'gone']);
    const { store: watched, requests } = await throughBadNetwork((_in, _out, pass) => {
      pass();
    });
    const found = await listed(watched, 'gone/');
    expect(found.map(({ key }) => key)).toEqual(keys);
    expect(found[1_002]).toMatchObject({ bytes: 1, modified: expect.any(Date) as Date });
    expect(found[1_002]?.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(requests).toHaveLength(2);
    const outcome = await watched.deleteKeys([...keys, keys[0] ?? '', 'gone/never there']);
    expect(outcome.failed).toEqual([]);
    expect(outcome.deleted).toEqual([...keys, 'gone/never there']);
    expect(requests).toHaveLength(4);
    expect([...(await r2.keys())].sort()).toEqual(['gone', 'kept/1']);
    expect(await listed(watched, 'gone/')).toEqual([]);
  });

  test('of odd keys removes exactly those it says, and no neighbour', async () => {
    // What a store that does not decode references would remove instead.
    const neighbours = ['line&#x0A;break', 'carriage&#x0D;return', 'separator&#x2028;here', 'up', 'b', 'a/b'];
    await r2.fill([...oddKeys, ...neighbours]);
    const outcome = await store.deleteKeys(oddKeys);
    const left = await r2.keys();
    expect([...outcome.deleted, ...outcome.failed.map(({ key }) => key)].sort()).toEqual([...oddKeys].sort());
    expect([...left].sort()).toEqual([...neighbours, ...outcome.failed.map(({ key }) => key)].sort());
    // The local R2 has no route for a key with a line end in it; that must be said, not passed over.
    expect(outcome.failed.map(({ key }) => key)).toEqual([
      'line\nbreak',
      'carriage\rreturn',
      'separator\u2028here',
    ]);
  });

  test('of an empty key is refused: it would be a delete of the bucket', async () => {
    await r2.put('one', 'x');
    const outcome = await store.deleteKeys(['', '\ud800', 'a/../line\nbreak']);
    expect(outcome).toEqual({
      deleted: [],
      failed: ['', '\ud800', 'a/../line\nbreak'].map((key) => ({ key, code: 'UnsafeKey' })),
    });
    expect(await r2.keys()).toEqual(['one']);
  });

  test('reads the result of each key: what is throttled again, what is refused not', async () => {
    let asked = 0;
    const { store: bad } = await throughBadNetwork((_, outgoing) => {
      asked += 1;
      const second =
        asked === 1 ? '<Error><Key>b</Key><Code>SlowDown</Code></Error>' : '<Deleted><Key>b</Key></Deleted>';
      const first =
        asked === 1
          ? '<Deleted><Key>a</Key></Deleted><Error><Key>c</Key><Code>AccessDenied</Code></Error>'
          : '';
      outgoing.writeHead(200, { 'content-type': 'application/xml' });
      outgoing.end(`<?xml version="1.0"?><DeleteResult>${first}${second}</DeleteResult>`);
    });
    expect(await bad.deleteKeys(['a', 'b', 'c', 'd'])).toEqual({
      deleted: ['a', 'b'],
      failed: [
        { key: 'c', code: 'AccessDenied' },
        // Never mentioned by the store: not known to be deleted.
        { key: 'd', code: 'NotAnswered' },
      ],
    });
  });

  test('that is cancelled or cut off in between says what was deleted', async () => {
    const keys = Array.from({ length: 1_500 }, (_, at) => String(at).padStart(4, '0'));
    const real = ['0000', '0999', '1000', '1499'];
    await r2.fill(real);
    const stop = new AbortController();
    const { store: bad } = await throughBadNetwork((_, outgoing, pass, number) => {
      if (number === 1) pass();
      else {
        stop.abort();
        outgoing.destroy();
      }
    });
    const outcome = await bad.deleteKeys(keys, { signal: stop.signal });
    expect(outcome.deleted).toEqual(keys.slice(0, 1_000));
    expect(outcome.failed).toEqual(keys.slice(1_000).map((key) => ({ key, code: 'Cancelled' })));
    expect(await r2.keys()).toEqual(real.slice(2));
  });
});

describe('abandoned uploads', () => {
  test('are ended, and a store that can not list them is said to be such', async () => {
    expect(await store.abortUploads('up/')).toBe('unsupported');
    const upload = await r2.beginUpload('up/one');
    expect(await r2.canGoOn('up/one', upload)).toBe(true);
    // The local R2 can't list uploads; that one answer is made up, ending the upload is real.
    const { store: listing } = await throughBadNetwork((incoming, outgoing, pass) => {
      if (incoming.method !== 'GET') {
        pass();
        return;
      }
      outgoing.writeHead(200, { 'content-type': 'application/xml' });
      outgoing.end(
        `<?xml version="1.0"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>up/one</Key><UploadId>${upload}</UploadId></Upload></ListMultipartUploadsResult>`,
      );
    });
    expect(await listing.abortUploads('up/')).toEqual({ aborted: 1 });
    expect(await r2.canGoOn('up/one', upload)).toBe(false);
  });
});

describe('the connection test', () => {
  async function says(more: Partial<ObjectStoreConfig>): Promise<string> {
    const probe = await probeBucket({ ...r2.config, ...more });
    expect(probe.ok).toBe(false);
    expect(probe.todo).not.toBe('');
    return probe.says;
  }

  test('tells what is wrong', async () => {
    expect(await probeBucket(r2.config)).toEqual({
      ok: true,
      says: 'The bucket answers and can be listed.',
      todo: '',
    });
    const wrongKey = 'R2 does not know the access key of this profile, or its secret is wrong.';
    expect(await says({ accessKeyId: 'another' })).toBe(wrongKey);
    expect(await says({ secretAccessKey: 'another' })).toBe(wrongKey);
    expect(await says({ bucket: 'another' })).toBe('The bucket of this profile does not exist.');
    const unreachable = 'R2 does not answer at the endpoint of this profile.';
    expect(await says({ endpoint: 'http://127.0.0.1:9' })).toBe(unreachable);
    expect(await says({ endpoint: 'https://r2.invalid' })).toBe(unreachable);
    const page = await listening(
      createPlainServer((_, outgoing) => outgoing.end('<html>Welcome to the hotel</html>')),
    );
    const strange = 'R2 gave an answer the console does not understand.';
    const endpoint = `http://127.0.0.1:${page}`;
    expect(await says({ endpoint })).toBe(strange);
    // The client alone takes such a page for an empty bucket: an erasure would find nothing left.
    const elsewhere = openObjectStore({ ...r2.config, endpoint });
    expect((await failureOf(listed(elsewhere))).message).toContain(strange.slice(0, -1));
    elsewhere.close();
  });

  test('is not talked out of checking the certificate by an environment variable', async () => {
    // The attack: a proxy with a certificate of its own between the desk and R2,
    // and NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment of the desk.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const folder = await mkdtemp(join(tmpdir(), 'r2-'));
    ends.push(() => rm(folder, { recursive: true }));
    const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    await run('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', keyFile, '-out', certificateFile],
    ]);
    let asked = 0;
    const port = await listening(
      createServer({ key: await readFile(keyFile), cert: await readFile(certificateFile) }, (_, outgoing) => {
        asked += 1;
        outgoing.end();
      }),
    );
    expect(await says({ endpoint: `https://localhost:${port}`, environment: 'production' })).toBe(
      'R2 showed a certificate that does not belong to the endpoint of this profile.',
    );
    expect(asked).toBe(0);
  });

  test('goes by the profile, not by AWS settings of the machine', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'another');
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
    vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', 'true');
    vi.stubEnv('AWS_PROFILE', 'none');
    vi.stubEnv('AWS_RETRY_MODE', 'nonsense');
    vi.stubEnv('AWS_MAX_ATTEMPTS', 'nonsense');
    vi.stubEnv('AWS_REQUEST_CHECKSUM_CALCULATION', 'WHEN_SUPPORTED');
    expect((await probeBucket(r2.config)).ok).toBe(true);
  });
});

describe('an export from R2', () => {
  test('notes an object that vanished, and one that changed, between listing and reading', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'r2-'));
    ends.push(() => rm(folder, { recursive: true }));
    for (const key of ['w/1', 'w/2', 'w/3']) await r2.put(key, `picture ${key}`, 'image/jpeg');
    const objects = await listed(store, 'w/');
    await r2.remove('w/2');
    await r2.put('w/3', 'another picture', 'image/jpeg');
    const files = objects.map(({ key, bytes, etag }): PackageFile => {
      return {
        key,
        contentType: 'image/jpeg',
        rowBytes: bytes,
        listedEtag: etag,
        open: (signal) => store.read(key, { signal }),
      };
    });
    const { file, files: counts } = await writePackage(optionsOf(folder, { files }));
    expect(counts).toEqual({ complete: 1, differing: 1, incomplete: 0, missing: 1, redacted: 0 });
    const { stdout } = await run('unzip', ['-p', file, '*/index.jsonl']);
    const index = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(index.map(({ key, status, differs }) => [key, status, differs])).toEqual([
      ['w/1', 'complete', undefined],
      ['w/2', 'missing', undefined],
      ['w/3', 'differs', ['bytes', 'etag']],
    ]);
  });

  test('fails in one sentence when R2 goes away, and leaves nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'r2-'));
    ends.push(() => rm(folder, { recursive: true }));
    await r2.put('w/1', Buffer.alloc(500_000, 1));
    const { store: bad } = await throughBadNetwork((_in, outgoing, pass, number) => {
      if (number > 1) outgoing.destroy();
      else cutAfter(100_000, 1)(_in, outgoing, pass, number);
    });
    const files = [
      { key: 'w/1', contentType: 'image/png', open: (signal: AbortSignal) => bad.read('w/1', { signal }) },
    ];
    const failure = await failureOf(writePackage(optionsOf(folder, { files })));
    expect(failure.code).toBe('object_store');
    expect(failure.message).toBe(
      'R2 does not answer at the endpoint of this profile; check the endpoint and the network, then try again.',
    );
    expect((await run('ls', ['-A', folder])).stdout).toBe('');
  });
});

/** Cuts the first answers after so many bytes of body. */
function cutAfter(bytes: number, times: number): Meddling {
  return (_incoming, outgoing, pass, number) => {
    if (number <= times) {
      let left = bytes;
      const write = outgoing.write.bind(outgoing);
      outgoing.write = (chunk: Uint8Array): boolean => {
        if (chunk.byteLength >= left) {
          write(chunk.subarray(0, left), () => outgoing.destroy());
          left = 0;
          return false;
        }
        left -= chunk.byteLength;
        return write(chunk);
      };
    }
    pass();
  };
}

function answer(outgoing: Parameters<Meddling>[1], status: number, code: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/xml' });
  outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>Not now</Message></Error>`);
}

async function listening(server: Server): Promise<string> {
  server.listen(0);
  await once(server, 'listening');
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return address === null || typeof address === 'string' ? '' : String(address.port);
}
