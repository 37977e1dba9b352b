import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceMapText } from '#core/dataMap/map.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const root = path.join(import.meta.dirname, '../..');
let desk: TestDesk;

beforeAll(async () => {
  desk = await openDesk();
  await desk.superuser(({ query }) =>
    query(`update privacy_console.installation set environment = 'production'`),
  );
});
afterAll(() => desk[Symbol.asyncDispose]());

/** Runs the command line in a process of its own, as that member of staff. */
function run(
  role: string,
  ...argv: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(root, 'electron/cli/cli.ts'), ...argv, '--profile', `demo:${role}`],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('a change of the data map by command line alone: compare, propose, refuse, approve, install', async () => {
  const file = path.join(desk.folder, 'map.yaml');
  await writeFile(file, referenceMapText().replace(/^( +phone:\s+\{[^}]*?),\s+mask: phone/m, '$1'));

  const compared = await run('administrator', 'map', 'diff', file);
  expect(compared).toMatchObject({ code: 0, stderr: '' });
  expect(compared.stdout).toContain('users.phone: mask from phone to nothing');
  expect(compared.stdout).toContain('more can be seen');
  expect(compared.stdout).toContain('public.users');

  // Who may not propose is told so.
  expect(await run('operator', 'map', 'propose', file, '--reason', 'I want to')).toMatchObject({ code: 1 });
  const proposed = await run(
    'administrator',
    'map',
    'propose',
    file,
    '--reason',
    'support needs it',
    '--json',
  );
  expect(proposed).toMatchObject({ code: 0, stderr: '' });
  const { change } = JSON.parse(proposed.stdout) as { change: { id: number; hash: string } };
  const id = String(change.id);

  const alone = await run('administrator', 'db', 'install', '--map', file);
  expect(alone.code).toBe(1);
  expect(alone.stderr).toContain('another person approves a change of the data map first');

  const listed = await run('approver', 'map', 'changes');
  expect(listed.stdout).toContain('waiting');
  const shown = await run('approver', 'map', 'change', id);
  expect(shown.stdout).toContain('users.phone: mask from phone to nothing');
  const blind = await run('approver', 'map', 'approve', id, '--sha256', '0'.repeat(64), '--reason', 'unread');
  expect(blind.code).toBe(1);
  expect(blind.stderr).toContain('not the change you have read');
  const own = await run('administrator', 'map', 'approve', id, '--sha256', change.hash, '--reason', 'mine');
  expect(own.code).toBe(1);
  expect(
    await run('approver', 'map', 'approve', id, '--sha256', change.hash, '--reason', 'read it'),
  ).toMatchObject({
    code: 0,
  });
  expect(await run('administrator', 'db', 'install', '--map', file)).toMatchObject({ code: 0, stderr: '' });

  const after = await run('approver', 'map', 'changes', '--json');
  expect(JSON.parse(after.stdout)).toMatchObject([{ id: change.id, state: 'adopted' }]);
  const trail = await run('auditor', 'audit', 'list');
  expect(trail.stdout).toContain('proposed a change of the data map');
  expect(trail.stdout).toContain('approved a change of the data map');
  expect(trail.stdout).toContain('put another data map in force');

  const nothing = await run('administrator', 'map', 'propose', file, '--reason', 'once more');
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toContain('there is nothing to change');
}, 120_000);
