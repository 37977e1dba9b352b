import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findPlaces } from '#core/places.ts';
import { parseMap } from '#core/dataMap/map.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { answered } from '#tests/core/dataMap/answered.ts';
import { tableName } from '#core/dataMap/quote.ts';
import { hostile, hostileNames } from '#tests/core/dataMap/foreignSchemas.ts';
import { openForeignDatabase, type ForeignDatabase } from '#tests/helpers/foreignDatabase.ts';

const root = path.join(import.meta.dirname, '../..');
let database: ForeignDatabase;
let home: string;

beforeAll(async () => {
  database = await openForeignDatabase(hostile());
  home = await mkdtemp(path.join(tmpdir(), 'privacy-console-draft-'));
  const { demoFolder } = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  await mkdir(demoFolder, { recursive: true });
  await writeDemoSecrets(demoFolder, { ...inject('platform').secrets, database: database.database });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

/** Runs the command line in a process of its own, as a person would. */
function run(...argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(root, 'electron/cli/cli.ts'), ...argv],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: home } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('draft, refusal to install, answer, install, merge: by command line alone', async () => {
  const file = path.join(home, 'map.yaml');
  const profile = ['--profile', 'demo:administrator'];
  const drafted = await run('map', 'draft', '-o', file, ...profile);
  expect(drafted).toMatchObject({ code: 0, stderr: '' });
  // Attack: a table's name that writes to the terminal of whoever drafts.
  expect(drafted.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(drafted.stdout).toContain('tell nothing');
  const text = await readFile(file, 'utf8');

  const again = await run('map', 'draft', '-o', file, ...profile);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('exists already');
  expect(await readFile(file, 'utf8')).toBe(text);

  const refused = await run('db', 'install', '--map', file, ...profile);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('2 things undecided');
  expect(refused.stderr.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);

  await writeFile(file, answered(text).replace('policy: Privacy policy', 'policy: Terms # kept'));
  expect(await run('db', 'install', '--map', file, ...profile)).toMatchObject({ code: 0, stderr: '' });
  const merged = await run('map', 'draft', '-o', file, '--merge', file, '--no-sample', '--json', ...profile);
  expect(merged).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(merged.stdout)).toMatchObject({ file, added: [], gone: [], undecided: [] });
  expect(await readFile(file, 'utf8')).toContain('policy: Terms # kept');

  await writeFile(file, (await readFile(file, 'utf8')).replace('mask: email', 'mask: emial'));
  const misspelt = await run('db', 'install', '--map', file, ...profile);
  expect(misspelt.code).toBe(1);
  expect(misspelt.stderr).toMatch(/map\.yaml, line \d+, column \d+ .*write one of email/);
}, 120_000);

test('what is asked wrongly ends with the right exit code and what to write', async () => {
  const profile = ['--profile', 'demo:administrator'];
  const file = path.join(home, 'other.yaml');
  expect(await run('map', 'draft', ...profile)).toMatchObject({ code: 2 });
  expect(await run('map', 'draft', '-o', file)).toMatchObject({ code: 2 });
  const nobody = await run('map', 'draft', '-o', file, '--subject', 'public.nobody', ...profile);
  expect(nobody).toMatchObject({ code: 1 });
  expect(nobody.stderr).toContain('There is no table public.nobody');
  expect(
    await run('map', 'draft', '-o', file, '--merge', path.join(home, 'none.yaml'), ...profile),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('can’t be read') as string,
  });
  const named = tableName(hostileNames.schema, hostileNames.newline);
  expect(await run('map', 'draft', '-o', file, '--subject', named, '--json', ...profile)).toMatchObject({
    code: 0,
  });
  const map = parseMap(await readFile(file, 'utf8'));
  expect(map.collections[map.subjects['account']?.collection ?? '']?.table).toBe(named);
  expect((await run('map', 'draft', '--help')).stdout).toContain('--no-sample');
}, 120_000);
