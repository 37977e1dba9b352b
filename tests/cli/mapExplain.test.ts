import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseMap, referenceMapText } from '#core/dataMap/map.ts';
import { find, someone } from '#tests/helpers/psql.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const root = path.join(import.meta.dirname, '../..');
const shipped = 'electron/core/dataMap/cloudsingh.yaml';
let desk: TestDesk;

beforeAll(async () => {
  desk = await openDesk();
});
afterAll(async () => desk[Symbol.asyncDispose]());

/** Runs the command line in a process of its own, as a person would. */
function run(...argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', 'map', ...argv],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home }, maxBuffer: 64 * 1_048_576 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('a map in a file is explained without a database, and one in force by whoever is staff', async () => {
  const text = await run('explain', '--map', shipped);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toContain('path 2, so it is never corrected: created_by → users.id');
  const inForce = await run('explain', '--profile', 'demo:auditor');
  expect(inForce).toMatchObject({ code: 0, stderr: '' });
  // Secrets stand last there; the rest is in the order in which the map was written.
  const lines = (said: string): string[] => said.replaceAll(/ +/g, ' ').split('\n').sort();
  expect(lines(inForce.stdout)).toEqual(lines(text.stdout));
  const titles = (said: string): string[] => said.split('\n').filter((line) => /^\S.*, table /.test(line));
  expect(titles(inForce.stdout)).toEqual(titles(text.stdout));
  const svg = path.join(desk.folder, 'map.svg');
  expect(await run('explain', '--map', shipped, '--format', 'svg', '-o', svg)).toMatchObject({ code: 0 });
  expect(await readFile(svg, 'utf8')).toMatch(/^<\?xml[\s\S]*<\/svg>\n$/);
  expect((await run('explain', '--map', shipped, '--format', 'dot')).stdout).toContain(
    '"users" -> "workspaces"',
  );
  const json = JSON.parse((await run('explain', '--map', shipped, '--format', 'json')).stdout) as {
    collections: { name: string }[];
  };
  expect(json.collections.map((each) => each.name)).toEqual(
    Object.keys(parseMap(referenceMapText()).collections),
  );
}, 60_000);

test('the functions an install would make are printed, and none is made', async () => {
  const counted = (): Promise<string | undefined> =>
    desk.superuser(
      async ({ query }) =>
        (
          await query<{ n: string }>(
            `select count(*) || ' ' || max(oid) as n from pg_proc where pronamespace = 'privacy_console'::regnamespace`,
          )
        ).rows[0]?.n,
    );
  const before = await counted();
  const printed = await run('explain', '--sql', '--profile', 'demo:administrator');
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  for (const name of ['page_users', 'reached_messages', 'run_search', 'erase_rows'])
    expect(printed.stdout).toContain(`create function privacy_console.${name}(`);
  expect(await counted()).toBe(before);
}, 60_000);

test('one person: rows by path under an access that is on the record, and closed again', async () => {
  const person = await someone(desk);
  const subject = await find(await desk.bare('operator'), person);
  const asked = ['explain', '--subject', subject, '--profile', 'demo:operator'];
  const silent = await run(...asked);
  expect(silent).toMatchObject({ code: 2 });
  expect(silent.stderr).toContain('--reason');
  const told = await run(...asked, '--reason', 'a person wrote to us');
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(/^users +1 +they are the subject +1$/m);
  expect(told.stdout).toMatch(/^workspaces +1 +owner_id → users\.id +[1-9]\d*$/m);
  const rows = await run(...asked, '--reason', 'the same', '--collection', 'workspaces', '--json');
  const page = JSON.parse(rows.stdout) as { rows: { key: string; paths: number[] }[] };
  expect(page.rows.length).toBeGreaterThan(0);
  expect(page.rows.every((row) => row.paths.join() === '1')).toBe(true);
  const trail = await desk.superuser(
    async ({ query }) =>
      (
        await query<{ action: string }>(
          `select action from privacy_console.entry where subject = $1 order by number desc limit 4`,
          [subject],
        )
      ).rows,
  );
  expect(trail.map((each) => each.action)).toEqual([
    'access.closed',
    'access.opened',
    'access.closed',
    'access.opened',
  ]);
  expect(await run(...asked.slice(0, 3), '--reason', 'the same', '--profile', 'demo:auditor')).toMatchObject({
    code: 1,
  });
}, 120_000);

test('the inventory goes to a new file in each format, with what is not stated', async () => {
  const csv = path.join(desk.folder, 'record.csv');
  const saved = await run('inventory', '--format', 'csv', '-o', csv, '--profile', 'demo:auditor');
  expect(saved).toMatchObject({ code: 0, stderr: '' });
  expect(saved.stdout).toContain('Transfers to third countries not stated');
  expect(await readFile(csv, 'utf8')).toMatch(/^\ufeff"Activity"/);
  expect(await run('inventory', '--format', 'csv', '-o', csv, '--profile', 'demo:auditor')).toMatchObject({
    code: 1,
    stderr: 'There is already a file of that name; choose another.\n',
  });
  expect(await run('inventory', '--format', 'csv', '-o', csv, '--map', shipped)).toMatchObject({ code: 1 });
  const markdown = await run('inventory', '--format', 'md', '--map', shipped);
  expect(markdown.stdout).toMatch(/^# Record of processing activities$/m);
  expect(markdown.stderr).toContain('Retention not stated for plans');
  const json = await run('inventory', '--format', 'json', '--map', shipped);
  expect(JSON.parse(json.stdout)).toMatchObject({
    record: [
      { what: 'Controller', says: 'CloudSingh' },
      {},
      {},
      {},
      {
        what: 'Controller, Message recipient',
        says: 'The tenant (workspace owner) is the controller; CloudSingh is the processor.',
      },
    ],
  });
}, 60_000);

test('what is asked wrongly ends with the right exit code and what to write', async () => {
  expect(await run('explain')).toMatchObject({ code: 2 });
  expect(await run('inventory', '--map', shipped)).toMatchObject({ code: 2 });
  expect(await run('explain', '--map', shipped, '--format', 'png')).toMatchObject({ code: 2 });
  expect(await run('explain', '--map', shipped, '--collection', 'users')).toMatchObject({ code: 2 });
  const nowhere = await run('explain', '--map', path.join(desk.folder, 'none.yaml'));
  expect(nowhere).toMatchObject({ code: 1 });
  expect(nowhere.stderr).toContain('check the path after --map');
  const wrong = await run('inventory', '--format', 'md', '--map', 'package.json');
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/package\.json, line \d+, column \d+/);
}, 60_000);

test('a map goes to Fides and comes back by command line alone, and what is open blocks an install', async () => {
  const dataset = path.join(desk.folder, 'dataset.yml');
  const back = path.join(desk.folder, 'back.yaml');
  const exported = await run('export', 'fides', '--profile', 'demo:auditor', '-o', dataset);
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  expect(exported.stdout).toContain('Fides can’t say that a column is never shown: ');
  const imported = await run('import', 'fides', dataset, '-o', back);
  expect(imported).toMatchObject({ code: 0 });
  expect(imported.stderr).toContain('Undecided: public.invoices, erasure: ');
  expect(Object.keys(parseMap(await readFile(back, 'utf8')).collections).sort()).toEqual(
    Object.keys(parseMap(referenceMapText()).collections).sort(),
  );
  expect(await run('import', 'fides', dataset, '-o', back)).toMatchObject({ code: 1 });
  const blocked = await run('explain', '--sql', '--map', back, '--profile', 'demo:administrator');
  expect(blocked).toMatchObject({ code: 1 });
  expect(blocked.stderr).toContain('2 things undecided');
  const wrong = await run('import', 'fides', shipped);
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.stderr).toMatch(/cloudsingh\.yaml, line \d+, column \d+: it has no “dataset”/);
  expect(await run('import', 'fides', path.join(desk.folder, 'none.yml'))).toMatchObject({ code: 1 });
}, 60_000);
