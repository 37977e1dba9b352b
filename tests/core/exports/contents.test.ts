import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesOf, pictureAt, recordsOf } from '#core/exports/browse.ts';
import { writePackage, type PackageOptions } from '#core/exports/package.ts';
import { recordChecks } from '#core/exports/recordCheck.ts';
import { schemaText } from '#core/exports/schema.ts';
import { encryptionFor, makePassphrase } from '#core/exports/seal/age.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { collectionOf, columnOf, fileOf, manyRows, optionsOf } from './sources.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contents-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const { signal } = new AbortController();
const columns = [columnOf('id', 'integer'), columnOf('body', 'text'), columnOf('more', 'json')];
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function rowsTo(count: number): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({
    id: String(index + 1),
    body: `line ${String(index + 1)}`,
    more: null,
  }));
}

function made(more: Partial<PackageOptions> = {}): Promise<{ readonly file: string }> {
  return writePackage(
    optionsOf(folder, {
      collections: [{ ...collectionOf('messages', rowsTo(250)), columns }],
      files: [
        fileOf('photo', png),
        fileOf('page', Buffer.from('<script>alert(1)</script>'), { contentType: 'image/png' }),
        fileOf('drawing', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), {
          contentType: 'image/svg+xml',
        }),
      ],
      ...more,
    }),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ExpectedError) return error.code;
  throw new Error('It did not fail as expected.', { cause: error });
}

describe('a record that is not what its schema allows', () => {
  // The attack: somebody changes values and makes every sum and count anew, as anybody can.
  async function changed(lines: readonly string[]): Promise<readonly object[]> {
    const { file: bag } = await made({ form: 'folder', name: `export-${String(Math.random()).slice(2, 9)}` });
    const read = (path: string): Promise<string> => readFile(join(bag, path), 'utf8');
    const path = 'data/records/messages.jsonl';
    const text = lines.map((line) => `${line}\n`).join('');
    const before = await read(path);
    await writeFile(join(bag, path), text);
    const processing = JSON.parse(await read('data/processing.json')) as { collections: { rows: number }[] };
    for (const each of processing.collections) each.rows = lines.length;
    const table = `"id","body","more"\r\n${'1,"x",\r\n'.repeat(lines.length)}`;
    const written: Record<string, string> = {
      [path]: text,
      'data/tables/messages.csv': table,
      'data/processing.json': JSON.stringify(processing),
    };
    let manifest = await read('manifest-sha256.txt');
    let bytes = Buffer.byteLength(text) - Buffer.byteLength(before);
    for (const [each, content] of Object.entries(written)) {
      if (each !== path) bytes += Buffer.byteLength(content) - Buffer.byteLength(await read(each));
      await writeFile(join(bag, each), content);
      manifest = manifest.replace(new RegExp(`^\\w+  ${each}$`, 'm'), `${sha256(content)}  ${each}`);
    }
    await writeFile(join(bag, 'manifest-sha256.txt'), manifest);
    const info = (await read('bag-info.txt')).replace(
      /^Payload-Oxum: (\d+)/m,
      (_, old: string) => `Payload-Oxum: ${String(Number(old) + bytes)}`,
    );
    await writeFile(join(bag, 'bag-info.txt'), info);
    const tags = (await read('tagmanifest-sha256.txt'))
      .replace(/^\w+ {2}manifest-sha256.txt$/m, `${sha256(manifest)}  manifest-sha256.txt`)
      .replace(/^\w+ {2}bag-info.txt$/m, `${sha256(info)}  bag-info.txt`);
    await writeFile(join(bag, 'tagmanifest-sha256.txt'), tags);
    return (await verifyPackage(bag)).faults;
  }
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const good = '{"id":"1","body":"x","more":{"a":[1]}}';

  test('is named with its collection and line, and no value of it', async () => {
    expect(await changed([good, good])).toEqual([]);
    expect(await changed([])).toEqual([]);
    for (const [bad, says] of [
      ['{"id":"1","body":7,"more":null}', 'Line 2 has a value of “body” that its schema does not allow.'],
      [
        '{"id":"secret","body":"x","more":null}',
        'Line 2 has a value of “id” that its schema does not allow.',
      ],
      ['{"id":"1","more":null}', 'Line 2 lacks “body”.'],
      ['{"id":"1","body":"x","more":null,"y":1}', 'Line 2 has “y”, which its schema does not know.'],
      ['["secret"]', 'Line 2 is not what its schema allows.'],
      ['{"id":', 'Line 2 is no JSON.'],
      ['', 'Line 2 is no JSON.'],
    ] as const) {
      expect(await changed([good, bad, good]), bad).toEqual([
        { kind: 'record', path: 'data/records/messages.jsonl', says },
      ]);
    }
    expect(await changed([good, '{}', '{}', good, '1'])).toMatchObject([
      { says: 'Line 2 lacks “id”, and 2 more lines are wrong.' },
    ]);
  }, 60_000);

  test('is found however the bytes are cut, in the middle of a letter too; one without its end is none', () => {
    const text = Buffer.from('{"body":"नमस्ते"}\n{"body":"é"}\n{"body":1}\n{"body":null}\n');
    for (let size = 1; size < 30; size += 1) {
      const check = recordChecks()(schemaText('m', 'M', [columnOf('body', 'text')]));
      for (let at = 0; at < text.byteLength; at += size) check?.add(text.subarray(at, at + size));
      expect(check?.fault()).toBe('Line 3 has a value of “body” that its schema does not allow.');
    }
    const faultOf = (bytes: Buffer): string | null | undefined => {
      const check = recordChecks()(schemaText('m', 'M', [columnOf('body', 'text')]));
      check?.add(bytes);
      return check?.fault();
    };
    expect(faultOf(text.subarray(0, -1))).toContain('Line 3');
    expect(faultOf(Buffer.from('{"body":"x"}\n{"body":"x"}'))).toBe('Line 2 does not end with a line feed.');
    expect(faultOf(Buffer.from([0x22, 0xff, 0x22, 0x0a]))).toMatch(/no UTF-8/);
  });

  test('may be null or a marker where its schema says so, in whatever words', () => {
    const check = recordChecks()(
      JSON.stringify({
        type: 'object',
        properties: { a: { anyOf: [{ type: 'integer' }, { const: 'kept back' }, { type: 'null' }] } },
        required: ['a'],
        additionalProperties: false,
      }),
    );
    check?.add(Buffer.from('{"a":1}\n{"a":null}\n{"a":"kept back"}\n{"a":"else"}\n'));
    expect(check?.fault()).toMatch(/^Line 4 /);
  });

  test('a schema that is none, goes round in circles or takes forever is not run, and named', async () => {
    const nested = (depth: number): string => `${'{"items":'.repeat(depth)}{}${'}'.repeat(depth)}`;
    for (const schema of [
      '',
      '[]',
      '{"type":"nothing"}',
      '{"$ref":"#"}',
      '{"$ref":"https://example.org/schema"}',
      '{"$dynamicRef":"#x"}',
      '{"properties":{"a":{"pattern":"^(a+)+$"}}}',
      '{"patternProperties":{"^(a+)+$":{}}}',
      '{"uniqueItems":true}',
      nested(5_000),
      nested(100_000),
    ]) {
      expect(recordChecks()(schema), schema.slice(0, 60)).toBeNull();
    }
    const { file: bag } = await made({ form: 'folder' });
    await writeFile(join(bag, 'data/schemas/messages.schema.json'), '{"$ref":"#"}');
    expect((await verifyPackage(bag)).faults).toContainEqual({
      kind: 'record',
      path: 'data/records/messages.jsonl',
      says: 'Its schema is not one that records could be checked by.',
    });
  });
});

setFlagsFromString('--expose-gc');
/** From here on it is asked again without what is garbage. */
const muchHeld = 100 * 1024 * 1024;
const collectGarbage = runInNewContext('gc') as () => void;

/** What the process holds beside its code, in bytes; garbage that was not collected yet is not held. */
function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The most that was held more than at the beginning, asked after each step. */
async function mostHeld(steps: AsyncIterable<unknown> | Iterable<unknown>): Promise<number> {
  collectGarbage();
  const before = held();
  let most = 0;
  for await (const step of steps) {
    void step;
    if (held() - before > muchHeld) collectGarbage();
    most = Math.max(most, held() - before);
  }
  return most;
}

describe('a record of 250 MB', () => {
  const piece = Buffer.from('x'.repeat(1024 * 1024));

  test.for([
    ['whole', '"}\n{"id":"2","body":"","more":null}\n', null],
    ['that does not end', '"', 'Line 1 does not end with a line feed.'],
    ['that is none', '\n{"id":"2","body":"","more":null}\n', 'Line 1 is no JSON.'],
    ['before one that is wrong', '"}\n{"id":"2"}\n', 'Line 2 lacks “body”.'],
    ['cut in a letter', Buffer.from([0xe0, 0xa4, 0x22, 0x7d, 0x0a]), 'Line 1 is no UTF-8.'],
  ] as const)('%s is checked as it passes by, in little memory', async ([, end, says]) => {
    const check = recordChecks()(schemaText('messages', 'Messages', columns));
    function* bytes(): Generator<Uint8Array> {
      yield Buffer.from('{"id":"1","more":null,"body":"');
      for (let at = 0; at < 250; at += 1) yield piece;
      yield Buffer.from(end);
    }
    function* checked(): Generator<void> {
      for (const chunk of bytes()) yield check?.add(chunk);
    }
    expect(await mostHeld(checked())).toBeLessThan(150 * 1024 * 1024);
    expect(check?.fault()).toBe(says);
  });

  test('is told as too large to be shown, and those around it are shown', async () => {
    await mkdir(join(folder, 'bag/data/records'), { recursive: true });
    const file = await open(join(folder, 'bag/data/records/messages.jsonl'), 'w');
    await file.write('{"id":"1"}\n{"id":"2","body":"');
    for (let at = 0; at < 250; at += 1) await file.write(piece);
    await file.write('"}\n{"id":"3"}\n');
    await file.close();
    async function* shown(): AsyncGenerator<void> {
      const reading = recordsOf(
        { file: join(folder, 'bag'), signal },
        { collection: 'messages', from: 1, limit: 10 },
      );
      let done = false;
      void reading.finally(() => (done = true)).catch(() => undefined);
      while (!done) yield await new Promise(setImmediate);
      expect((await reading).records).toEqual([
        { line: 1, values: { id: '1' }, tooLong: false },
        { line: 2, values: {}, tooLong: true },
        { line: 3, values: { id: '3' }, tooLong: false },
      ]);
    }
    expect(await mostHeld(shown())).toBeLessThan(150 * 1024 * 1024);
  });
});

test('documents as deep, as strange or as large as PostgreSQL takes them go into a package, verify, and are shown as they stand', async () => {
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const documents = [
    deep,
    '{"__proto__":{"polluted":true},"constructor":1}',
    // Half a pair: PostgreSQL takes it as json, not as jsonb.
    String.raw`"\ud800 \u0000"`,
    '[1e400,-0,1.10,12345678901234567890.5,1E+2]',
    '{"a":1,"a":2}',
    ' { "spaced" : [ ] } ',
  ];
  const lines = documents.map((document, at) => `{"id":"${String(at + 1)}","body":"","more":${document}}\n`);
  const { file } = await made({
    form: 'folder',
    collections: [
      {
        name: 'messages',
        rows: () => Readable.from(lines),
        expectedRows: () => Promise.resolve(lines.length),
        columns,
      },
    ],
  });
  expect((await verifyPackage(file)).faults).toEqual([]);
  // The person's page shows each as it stands too.
  const page = await readFile(join(file, 'data/index.html'), 'utf8');
  expect(page).toContain('[\n 1e400,\n -0,\n 1.10,\n 12345678901234567890.5,\n 1E+2\n]');
  expect(page).toContain('{\n &quot;a&quot;: 1,\n &quot;a&quot;: 2\n}');
  expect(page).toContain('{\n &quot;spaced&quot;: []\n}');
  expect(page).toContain('[[[[[[');
  const { records } = await recordsOf({ file, signal }, { collection: 'messages', from: 1, limit: 10 });
  const [nested, named, half, numbers, twice, spaced] = records.map(({ values }) => values['more']);
  expect(nested).toBe(`${deep.slice(0, 4_000)}…`);
  expect(JSON.stringify(named)).toBe(documents[1]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(half).toBe('\ud800 \0');
  expect(numbers).toEqual(['1e400', '-0', '1.10', '12345678901234567890.5', '1E+2']);
  expect(twice).toEqual({ a: 2 });
  expect(spaced).toEqual({ spaced: [] });
});

describe('looking into a package', () => {
  const passphrase = makePassphrase();
  const forms: readonly (readonly [string, Partial<PackageOptions>, object])[] = [
    ['a zip', {}, {}],
    ['a folder', { form: 'folder' }, {}],
    ['an encrypted one', { encryption: encryptionFor({ passphrase }) }, { opener: { passphrase } }],
  ];

  test.for(forms)(
    '%s: its records page by page, its files, its pictures and nothing else',
    async ([, form, opened]) => {
      const { file } = await made(form);
      const source = { file, signal, ...opened };
      const lines: string[] = [];
      for (let from: number | null = 1; from !== null;) {
        const page = await recordsOf(source, { collection: 'messages', from, limit: 100 });
        expect(page.columns.map(({ title }) => title)).toEqual(['Id', 'Body', 'More']);
        lines.push(...page.records.map(({ line, values }) => `${String(line)} ${String(values['body'])}`));
        from = page.next;
      }
      expect(lines).toEqual(rowsTo(250).map((_, index) => `${String(index + 1)} line ${String(index + 1)}`));
      const last = { collection: 'messages', from: 201, limit: 50 };
      expect(await recordsOf(source, last)).toMatchObject({ records: { length: 50 }, next: null });
      expect(await recordsOf(source, { ...last, from: 9_999 })).toMatchObject({ records: [], next: null });
      for (const collection of ['no-such', '../processing', 'messages.jsonl/..', '..', 'a/b']) {
        expect(await codeOf(recordsOf(source, { ...last, collection }))).toBe('not_found');
      }

      const { files, next } = await filesOf(source, { from: 1, limit: 2 });
      expect(files).toMatchObject([
        { line: 1, path: 'data/files/000001.png', name: 'photo', status: 'complete' },
        { line: 2, path: 'data/files/000002.png' },
      ]);
      expect(next).toBe(3);
      const picture = await pictureAt(source, 'data/files/000001.png');
      expect(picture).toEqual({ type: 'image/png', base64: png.toString('base64') });
      // Whatever a file is called or said to be, only its bytes make it a picture.
      for (const path of ['data/files/000002.png', 'data/files/000003.svg', 'data/files/index.jsonl'])
        expect(await codeOf(pictureAt(source, path))).toBe('invalid_input');
      for (const path of ['data/files/9.png', 'bagit.txt', 'data/index.html', 'data/files/../index.html'])
        expect(await codeOf(pictureAt(source, path))).toBe('not_found');
    },
  );

  test('shows numbers that a program would round as they stand, and cuts what is endless', async () => {
    const long = 'x'.repeat(10_000);
    const lines = `{"id":1,"body":"${long}","more":{"n":12345678901234567890,"m":[0.1,1]}}\n`;
    const { file } = await made({
      collections: [{ name: 'messages', columns, rows: () => Readable.from([lines]) }],
    });
    const { records } = await recordsOf({ file, signal }, { collection: 'messages', from: 1, limit: 1 });
    expect(records[0]?.values).toEqual({
      id: 1,
      body: `${'x'.repeat(4_000)}…`,
      more: { n: '12345678901234567890', m: [0.1, 1] },
    });
  });

  test('of 300,000 rows keeps only the page that is shown', async () => {
    const { file } = await made({
      collections: [{ name: 'messages', rows: () => manyRows(300_000) }],
    });
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const { records, next } = await recordsOf(
      { file, signal },
      { collection: 'messages', from: 299_901, limit: 100 },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    expect(records).toHaveLength(100);
    expect(records.at(-1)).toMatchObject({ line: 300_000, values: { id: '299999' } });
    expect(next).toBeNull();
  }, 60_000);

  test('that is damaged, locked or not there ends in a sentence', async () => {
    const { file } = await made();
    const page = { collection: 'messages', from: 1, limit: 10 };
    expect(await codeOf(recordsOf({ file: join(folder, 'none.zip'), signal }, page))).toBe('not_found');
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, -30));
    expect(await codeOf(recordsOf({ file, signal }, page))).toBe('refused');
    const at = whole.indexOf('messages.jsonl') + 40;
    await writeFile(file, whole.fill(0xff, at, at + 60));
    expect(await codeOf(recordsOf({ file, signal }, page))).toBe('refused');
    const locked = await made({ name: 'locked', encryption: encryptionFor({ passphrase }) });
    expect(await codeOf(recordsOf({ file: locked.file, signal }, page))).toBe('invalid_input');
    const opener = { passphrase: makePassphrase() };
    expect(await codeOf(recordsOf({ file: locked.file, signal, opener }, page))).toBe('wrong_credentials');
  });
});
