/** The ledger of deletions and what is said after a restore, by the command line alone, in a session with a keyring of the test's own. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { takeBackup, type Backup } from '#tests/helpers/backup.ts';
import { decide, planDeletion, runAll, someone } from '#tests/helpers/psql.ts';
import { makeKeyring, type TestKeyring } from '#tests/helpers/secretService.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { need } from '../prerequisites.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../..');
let desk: TestDesk;
let keyring: TestKeyring;
let backup: Backup;
let asOf: string;

beforeAll(async () => {
  desk = await openDesk();
  keyring = await makeKeyring();
  backup = await takeBackup(desk);
  asOf = new Date().toISOString();
  const [operator, approver] = [await desk.bare('operator'), await desk.bare('approver')];
  const planned = await planDeletion(operator, await someone(desk));
  expect(await decide(approver, planned)).toBeNull();
  expect(await runAll(operator, planned)).toMatchObject({ complete: true });
});
afterAll(async () => {
  await backup[Symbol.asyncDispose]();
  await keyring.remove();
  await desk[Symbol.asyncDispose]();
});

interface Ran {
  readonly code: number | null;
  readonly value: Readonly<Record<string, unknown>>;
}

function run(role: string, argv: readonly string[], withKeyring = false): Promise<Ran> {
  const console = [process.execPath, '--no-warnings', 'electron/cli/cli.ts', ...argv];
  const unlock = 'printf %s right | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1';
  const [program = '', ...given] = [
    ...(withKeyring ? ['dbus-run-session', '--', 'sh', '-c', `${unlock}; exec "$@"`, 'sh'] : []),
    ...console,
    ...['--json', '--profile', `demo:${role}`],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(program, given, {
      cwd: root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: keyring.folder,
        XDG_DATA_HOME: path.join(keyring.folder, 'data'),
        XDG_RUNTIME_DIR: path.join(keyring.folder, 'runtime'),
        PRIVACY_CONSOLE_HOME: desk.home,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, value: JSON.parse(said) as Ran['value'] });
    });
  });
}

test('saved by a timer, a restore said by two, replayed: who came back has a request', async (context) => {
  need(context, 'secretService');
  const file = path.join(desk.folder, 'deletions.ledger');
  const save = ['erase', 'ledger', '--save', file, '--append'];
  const [saved, unsigned] = await Promise.all([run('operator', save, true), run('operator', save)]);
  expect(saved).toMatchObject({ code: 0, value: { count: 1, added: 1 } });
  expect(unsigned).toMatchObject({ code: 1, value: { failure: { code: 'no_keychain' } } });
  const operator = await desk.signIn('operator');
  const { keys } = await expectDone(operator, 'keys.list', {});
  await operator.close();

  await backup.restore();
  const replay = ['erase', 'replay', '--ledger', file, '--signer', keys[0]?.fingerprint ?? ''];
  const reason = ['--reason', 'the backup of last night'];
  const [refused, declared] = await Promise.all([
    run('operator', replay),
    run('administrator', ['audit', 'restores', 'declare', '--as-of', asOf, ...reason]),
  ]);
  expect(refused).toMatchObject({ code: 1, value: { failure: { code: 'trail_contradiction' } } });
  expect(declared).toMatchObject({ code: 0, value: { restore: 1 } });
  expect(await run('auditor', ['audit', 'restores', 'confirm', '1'])).toMatchObject({ code: 0 });
  expect(await run('operator', replay)).toMatchObject({
    code: 0,
    value: { cameBack: 1, state: 'done', found: [{ outcome: 'came_back', request: 1001 }] },
  });
  const [replays, state] = await Promise.all([
    run('viewer', ['erase', 'replays']),
    run('approver', ['erase', 'ledger']),
  ]);
  expect(replays.value).toMatchObject([{ cameBack: 1 }]);
  expect(state.value).toMatchObject({ savedAt: null, since: 0 });
});
