import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findPlaces } from '#core/places.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { answered } from '#tests/core/dataMap/answered.ts';
import { shop } from '#tests/core/dataMap/foreignSchemas.ts';
import { effect, find, someone } from '#tests/helpers/psql.ts';
import { openDesk } from '#tests/helpers/testDesk.ts';
import { openForeignDatabase, type ForeignDatabase } from '#tests/helpers/foreignDatabase.ts';

const root = path.join(import.meta.dirname, '../..');
const profile = ['--profile', 'demo:administrator'];
let database: ForeignDatabase;
let home: string;
let map: string;

beforeAll(async () => {
  database = await openForeignDatabase(shop);
  home = await mkdtemp(path.join(tmpdir(), 'privacy-console-check-'));
  const { demoFolder } = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  await mkdir(demoFolder, { recursive: true });
  await writeDemoSecrets(demoFolder, { ...inject('platform').secrets, database: database.database });
  map = path.join(home, 'map.yaml');
  expect(await run('map', 'draft', '-o', map, ...profile)).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

/** Runs the command line in a process of its own, as a person would. */
function run(...argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return runAt(home, ...argv);
}

function runAt(
  where: string,
  ...argv: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(root, 'electron/cli/cli.ts'), ...argv],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: where } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

interface Told {
  readonly hash: string;
  readonly findings: readonly { code: string; subject: string; severity: string; says: string }[];
}

test('before an install the file is checked: exit 1 while something blocks, 0 when nothing does; afterwards what is in force', async () => {
  const open = await run('map', 'check', '--map', map, '--json', ...profile);
  expect(open).toMatchObject({ code: 1, stderr: '' });
  expect((JSON.parse(open.stdout) as Told).findings[0]).toMatchObject({
    code: 'undecided',
    severity: 'blocks',
  });

  await writeFile(map, answered(await readFile(map, 'utf8')));
  const checked = await run('map', 'check', '--map', map, ...profile);
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(checked.stdout).toContain('materialised-view');
  expect(checked.stdout).not.toContain('blocks');
  const hastily = await run('map', 'check', '--map', map, '--no-sample', '--json', ...profile);
  expect((JSON.parse(hastily.stdout) as Told).findings.map((each) => each.code)).toContain(
    'values-not-counted',
  );

  expect(await run('db', 'install', '--map', map, ...profile)).toMatchObject({ code: 0 });
  const installed = await run('map', 'check', '--json', ...profile);
  expect(installed).toMatchObject({ code: 0, stderr: '' });
  expect((JSON.parse(installed.stdout) as Told).hash).toBe((JSON.parse(hastily.stdout) as Told).hash);
  await database.superuser(({ query }) => query('create table public.leads (email text)'));
  const drifted = await run('map', 'check', ...profile);
  expect(drifted.code).toBe(1);
  expect(drifted.stdout).toMatch(/unmapped-table +public\.leads +blocks/);
  await database.superuser(({ query }) => query('drop table public.leads'));
}, 120_000);

test('in the platform’s own CI a schema in a file is checked without a live database, and nothing of it is left', async () => {
  const schema = path.join(home, 'schema.sql');
  await writeFile(
    schema,
    // As pg_dump writes it: lines for psql, a search path of its own.
    `\\restrict abc\nselect pg_catalog.set_config('search_path', '', false);\nset search_path = public;\n${shop.replaceAll(/^insert into[\s\S]*?;$/gm, '')}\n\\unrestrict abc\n`,
  );
  const clean = await run('map', 'check', '--against', schema, '--map', map, '--json');
  expect(clean).toMatchObject({ code: 0, stderr: '' });
  await writeFile(
    schema,
    `${await readFile(schema, 'utf8')}\nalter table public.customers add column whatsapp text;`,
  );
  const drifted = await run('map', 'check', '--against', schema, '--map', map);
  expect(drifted.code).toBe(1);
  expect(drifted.stdout).toMatch(/unmapped-column +public\.customers\.whatsapp +blocks/);

  // Attack: the profile names the platform instead of a scratch database.
  const live = await run('map', 'check', '--against', schema, '--map', map, ...profile);
  expect(live).toMatchObject({ code: 1, stderr: expect.stringContaining('isn’t empty') as string });
  // Attack: a file that commits what it made.
  await writeFile(
    schema,
    'create table public.customers (id int); commit; create table public.left_over (id int);',
  );
  const committed = await run('map', 'check', '--against', schema, '--map', map);
  expect(committed).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ends transactions') as string,
  });
  for (const [text, says] of [
    ['create tabel x ();', 'could not be loaded'],
    ['copy public.customers (id) from stdin;\n1\n\\.\n', '--schema-only'],
  ] as const) {
    await writeFile(schema, text);
    const wrong = await run('map', 'check', '--against', schema, '--map', map);
    expect(wrong, text).toMatchObject({ code: 1, stderr: expect.stringContaining(says) as string });
  }
  expect(await run('map', 'check', '--against', schema)).toMatchObject({ code: 2 });
  expect(await run('map', 'check', '--map', map)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--profile') as string,
  });
}, 180_000);

test('the bucket is checked, and an export released by two people, by command line alone', async () => {
  await using desk = await openDesk({ withBucket: true });
  const at = (role: string, ...argv: readonly string[]): ReturnType<typeof run> =>
    runAt(desk.home, ...argv, '--profile', `demo:${role}`);
  await desk.bucket?.put([{ key: 'backups/1.tar', bytes: Buffer.from('x'), contentType: 'text/plain' }]);
  const keys = path.join(desk.folder, 'keys.jsonl');
  const bucket = await at('administrator', 'map', 'check', '--bucket', '--keys', keys);
  expect(bucket).toMatchObject({ code: 1, stderr: '' });
  expect(bucket.stdout).toMatch(/object-unnamed +r2:backups\/ +blocks/);
  expect(await readFile(keys, 'utf8')).toContain('backups/1.tar');
  expect(await at('operator', 'map', 'check', '--bucket')).toMatchObject({ code: 1 });

  const bare = await desk.bare('operator');
  const subject = await find(bare, await someone(desk));
  const { request } = await effect(bare, `open_request('access', current_date, '', $1)`, [subject]);
  const wanted = String(request);
  const refused = await at('operator', 'export', wanted, '--to', desk.folder);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('unknown prefix r2:backups/') as string,
  });
  const gap = ['--gap', 'unknown prefix r2:backups/', '--reason', 'looked at, old backups'];
  const asked = await at('operator', 'release', 'ask', wanted, ...gap, '--json');
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  const { releaseId } = JSON.parse(asked.stdout) as { releaseId: number };
  const decide = ['release', 'approve', String(releaseId), '--reason', 'agreed'];
  expect(await at('operator', ...decide)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('approver') as string,
  });
  expect(await at('approver', ...decide)).toMatchObject({ code: 0, stderr: '' });
  expect((await at('approver', 'release', 'list')).stdout).toContain('approved');
  const exported = await at('operator', 'export', wanted, '--to', desk.folder, '--json');
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  const { file } = JSON.parse(exported.stdout) as { file: string };
  const verified = await runAt(desk.home, 'package', 'verify', file);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.stdout).toContain('unknown prefix r2:backups/');
}, 180_000);
