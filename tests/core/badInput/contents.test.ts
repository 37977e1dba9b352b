import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { writePackage } from '#core/exports/package.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { findPerson, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { fileOf, optionsOf } from '#tests/core/exports/sources.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 180_000 });

const run = promisify(execFile);

/** Every character a text of PostgreSQL can hold that has ever broken a reader, and one of each plane. */
const oddities = [
  '"\\/,;\t\r\n\v\f\b\u0001\u001f\u007f\u0085',
  '\u00a0\u00ad\u061c\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ufffd\ufffe\uffff',
  'é\u0301 क्षि 👩🏽‍🚀 \u{10000}\u{1f1ee}\u{1f1f3}\u{20000}\u{e0001}\u{10ffff}',
  '</script><!--&amp;\\u0041\\x41\\n{"a":1}',
  '=1+1',
].join('|');

test('infinity, years before Christ and every oddity of Unicode come out as the database holds them', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await desk.superuser(({ query }) =>
    query(
      `update users set name = $2, created_at = '-infinity', last_login_at = '0044-03-15 12:00:00 BC', closed_at = 'infinity' where id = $1`,
      [victim.id, oddities],
    ),
  );
  await desk.superuser(({ query }) =>
    query(
      `update workspaces set settings = jsonb_build_object($2::text, $2::text, 'number', 123456789012345678901234567890.10::numeric) where id = $1`,
      [victim.workspace, oddities],
    ),
  );
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: victim.request,
    folder: desk.folder,
    form: 'folder',
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  const bag = String(job.result?.['file']);
  const read = (file: string): Promise<string> => readFile(path.join(bag, 'data', file), 'utf8');
  const user = JSON.parse(await read('records/users.jsonl')) as Record<string, string>;
  expect(user['name']).toBe(oddities);
  expect([user['created_at'], user['closed_at']]).toEqual(['-infinity', 'infinity']);
  expect(user['last_login_at']).toMatch(/^0044-03-15T.* BC$/);
  const table = await read('tables/users.csv');
  expect(table).toContain(`"${oddities.replaceAll('"', '""')}"`);
  expect(table).toContain(`"'-infinity"`);
  // A program that parses would round it.
  expect(await read('records/workspaces.jsonl')).toContain('123456789012345678901234567890.10');
  expect(await read('tables/workspaces.csv')).toContain('123456789012345678901234567890.10');
  expect(await read('index.html')).toContain('U+202E');
  expect((await verifyPackage(bag)).faults).toEqual([]);
  // What each record holds is what its schema says, by name and by type.
  for (const file of await readdir(path.join(bag, 'data/schemas'))) {
    const schema = JSON.parse(await read(`schemas/${file}`)) as {
      required: string[];
      properties: Record<string, { type?: string[] }>;
    };
    const lines = (await read(`records/${file.replace('.schema.json', '.jsonl')}`)).split('\n').slice(0, -1);
    for (const line of lines) {
      const record = JSON.parse(line) as Record<string, unknown>;
      expect(Object.keys(record), file).toEqual(schema.required);
      for (const [name, value] of Object.entries(record)) {
        const types = schema.properties[name]?.type;
        if (types !== undefined)
          expect(
            typesOf(value).some((type) => types.includes(type)),
            `${file} ${name}`,
          ).toBe(true);
      }
    }
  }
});

function typesOf(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
}

test('keys no system could have as names become files everywhere, each with its own name in the index', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'names-'));
  const keys = [
    'a/../../etc/passwd',
    'a/CON',
    'a/nul.txt',
    'a/COM1.png',
    'a/Photo.PNG',
    'a/photo.png',
    'a/trailing.',
    'a/trailing ',
    'a/b:c|d*e?f<g>"h',
    'a\\b\\c.png',
    'a/photo\u202egnp.exe',
    `a/${'é'.repeat(510)}.p`,
    'a/\u0001\n.png',
    'a/folder/',
    '.hidden',
    '',
  ];
  const { file } = await writePackage(
    optionsOf(folder, { form: 'folder', files: keys.map((key, at) => fileOf(key, Buffer.from(String(at)))) }),
  );
  const index = (await readFile(path.join(file, 'data/files/index.jsonl'), 'utf8')).split('\n').slice(0, -1);
  const lines = index.map((line) => JSON.parse(line) as { file: string; key: string; name: string | null });
  expect(lines.map(({ key }) => key)).toEqual(keys);
  expect(lines.map(({ name }) => name)).toEqual(keys.map((key) => /[^/]+$/.exec(key)?.[0] ?? null));
  for (const [at, line] of lines.entries()) {
    expect(line.file).toMatch(/^data\/files\/\d{6}\.png$/);
    expect(await readFile(path.join(file, line.file), 'utf8')).toBe(String(at));
  }
  expect((await verifyPackage(file)).faults).toEqual([]);
  // A name that only Windows can't have is told, wherever the check runs.
  await writeFile(path.join(file, 'data', 'files', 'aux.png'), 'x');
  expect((await verifyPackage(file)).faults.map(({ kind }) => kind)).toContain('unsafe_name');
  await run('sha256sum', ['--strict', '--quiet', '-c', 'manifest-sha256.txt'], { cwd: file });
  await rm(folder, { recursive: true });
});
