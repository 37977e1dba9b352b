import { spawn } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { findPlaces } from '#core/places.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { entriesOf } from '#tests/core/badInput/plain.ts';
import { findPerson, putObjects, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { startBadNetwork } from '#tests/core/objectStore/localR2.ts';
import { makeKeyring } from '#tests/helpers/secretService.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { need } from '../prerequisites.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../..');

test('a killed export is listed with what is here, resumed into a whole package, and needs the keychain for it', async (context) => {
  need(context, 'secretService');
  await using desk = await openDesk({ withBucket: true });
  await using keyring = await keyringOfTest();
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 3);
  const inTheMiddle = Promise.withResolvers<undefined>();
  // An object that never comes: all rows are read by then.
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, _outgoing, pass) => {
      if (incoming.method === 'GET' && (incoming.url ?? '').includes('/0001')) inTheMiddle.resolve(undefined);
      else pass();
    },
  );
  const places = findPlaces({ PRIVACY_CONSOLE_HOME: desk.home });
  await writeDemoSecrets(places.demoFolder, {
    ...desk.secrets,
    r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
  });
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const run = (argv: readonly string[], withKeychain = true): Promise<Ended> =>
    ended(keyring.folder, desk.home, argv, withKeychain);
  const exporting = run(['export', String(victim.request), '--to', folder]);
  await inTheMiddle.promise;
  const [database = ''] = await readdir(places.stagingFolder);
  const [exportId = ''] = await readdir(path.join(places.stagingFolder, database));
  const marks = await readdir(path.join(places.stagingFolder, database, exportId));
  const mark = marks.find((name) => name.endsWith('.partial')) ?? '';
  process.kill(Number(mark.split('-')[3]), 'SIGKILL');
  expect((await exporting).code).not.toBe(0);
  await network.close();
  await writeDemoSecrets(places.demoFolder, desk.secrets);

  const listed = await run(['exports', '--request', String(victim.request)]);
  expect(listed.stdout).toMatch(/interrupted/);
  expect(listed.stdout).toMatch(/(\d+) of \1 collections are here/);
  expect(await readdir(folder)).toEqual([]);
  const keyless = await run(['exports', 'resume', exportId], false);
  expect(keyless).toMatchObject({ code: 1, stdout: '' });
  expect(keyless.stderr).toMatch(/keychain/);
  const wrong = await run(['exports', 'resume', String(Number(exportId) + 1)]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('Nothing of this export lies on this computer, or its key is gone; start');
  const resumed = await run(['exports', 'resume', exportId, '--passphrase', '--json']);
  expect(resumed).toMatchObject({ code: 0 });
  const told = JSON.parse(resumed.stdout) as Record<string, unknown>;
  expect(told).toMatchObject({ files: 3, encrypted: true, passphrase: expect.any(String) as string });
  const verified = await expectDone(operator, 'packages.verify', {
    file: String(told['file']),
    passphrase: String(told['passphrase']),
  });
  expect(verified.intact).toBe(true);
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.resumed', 'done'],
    ['export.finished', 'done'],
  ]);
  expect(await readdir(path.join(places.stagingFolder, database))).toEqual([]);
});

async function keyringOfTest(): Promise<{ readonly folder: string; [Symbol.asyncDispose](): Promise<void> }> {
  const { folder, remove } = await makeKeyring();
  return { folder, [Symbol.asyncDispose]: remove };
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as the operator, in a session with a keyring of the test's own or without any. */
function ended(
  keyring: string,
  home: string,
  argv: readonly string[],
  withKeychain: boolean,
): Promise<Ended> {
  const unlock = 'printf %s right | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1';
  const session = ['dbus-run-session', '--', 'sh', '-c', `${unlock}; exec "$@"`, 'sh'];
  const [program = '', ...given] = [
    ...(withKeychain ? session : []),
    ...[process.execPath, '--no-warnings', 'electron/cli/cli.ts', ...argv, '--profile', 'demo:operator'],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(program, given, {
      cwd: root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: keyring,
        XDG_DATA_HOME: path.join(keyring, 'data'),
        XDG_RUNTIME_DIR: path.join(keyring, 'runtime'),
        PRIVACY_CONSOLE_HOME: home,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, ...said });
    });
  });
}
