import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { scramVerifier } from '#core/staff/index.ts';
import { giveToServer, makeRunFolder } from '#demo/folders.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { platformOwner } from '#demo/platformSchema.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { makeAuthority } from '#tests/helpers/certificates.ts';
import { makeKeyring, secretServiceMissing, type TestKeyring } from '#tests/helpers/secretService.ts';

/**
 * An administrator and an operator set up a console for a database that isn't
 * the demo's: TLS with an authority of its own, a tunnel, and the real
 * keychain of the operating system.
 */
const root = path.join(import.meta.dirname, '../..');
const serverName = 'db.cloudsingh.test';
const missing = secretServiceMissing();
const secrets = { admin: 'administrator-secret-éñ', operator: 'operator-secret-long-enough' };

let platform: Platform;
let keyring: TestKeyring;
let certificates: string;

function needSecretService(context: TestContext): void {
  if (missing === null) return;
  if (process.env['CI'] === 'true') throw new Error(missing);
  context.skip(missing);
}

beforeAll(async () => {
  certificates = await makeRunFolder('cloudsingh-tls-');
  const authority = makeAuthority('CloudSingh Operations');
  const { certificate, key } = authority.issue({ names: [serverName] });
  const files = {
    ssl_cert_file: path.join(certificates, 'server.crt'),
    ssl_key_file: path.join(certificates, 'server.key'),
  };
  await writeFile(files.ssl_cert_file, certificate, { mode: 0o600 });
  await writeFile(files.ssl_key_file, key, { mode: 0o600 });
  for (const file of Object.values(files)) await giveToServer(file);
  await writeFile(path.join(certificates, 'ca.pem'), authority.certificate);
  await writeFile(path.join(certificates, 'other.pem'), makeAuthority('Somebody Else').certificate);
  platform = await startPlatform({ scale: 'small', seed: 1, postgresSettings: { ssl: 'on', ...files } });
  await withSuperuser(platform, platform.database, async ({ query }) => {
    await query(`create role dba login createrole password '${scramVerifier(secrets.admin)}'`);
    await query(`grant ${platformOwner} to dba`);
  });
  keyring = await makeKeyring();
});

afterAll(async () => {
  await keyring.remove();
  await platform.stop();
  await rm(certificates, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** Runs the command line in a session of its own: with the person's keyring, or with no keychain at all. */
function run(
  argv: readonly string[],
  input = '',
  session: 'keyring' | 'no keychain' = 'keyring',
): Promise<Ended> {
  const console = [process.execPath, '--no-warnings', 'electron/cli/cli.ts', ...argv];
  const unlock = 'printf %s right | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1';
  const [program = '', ...given] =
    session === 'keyring'
      ? ['dbus-run-session', '--', 'sh', '-c', `${unlock}; exec "$@"`, 'sh', ...console]
      : console;
  return new Promise((resolve, reject) => {
    const child = spawn(program, given, {
      cwd: root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: keyring.folder,
        XDG_DATA_HOME: path.join(keyring.folder, 'data'),
        XDG_RUNTIME_DIR: path.join(keyring.folder, 'runtime'),
        PRIVACY_CONSOLE_HOME: path.join(keyring.folder, 'console'),
      },
    });
    let said = '';
    let complained = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
    child.on('error', reject);
    // The session bus tells its own troubles on the same stream.
    child.on('close', (code) =>
      resolve({ code, text: said + complained.replaceAll(/^dbus-daemon.*\n/gm, '') }),
    );
    child.stdin.end(input);
  });
}

function save(name: string, user: string, ca = 'ca.pem'): readonly string[] {
  return [
    'profile',
    'save',
    name,
    '--environment',
    'production',
    '--host',
    '127.0.0.1',
    '--port',
    String(platform.port),
    '--database',
    platform.database,
    '--user',
    user,
    '--ca',
    path.join(certificates, ca),
    '--tls-server-name',
    serverName,
    '--secrets-stdin',
  ];
}

test('from an unknown database to the desk: profile, test, install, staff, sign-in, with the real keychain over TLS', async (context) => {
  needSecretService(context);
  expect(await run(save('live', 'dba'), JSON.stringify({ password: secrets.admin }))).toMatchObject({
    code: 0,
  });

  const silent = await run(save('live', 'dba').slice(0, -1));
  expect(silent).toMatchObject({ code: 0, text: expect.stringContaining('no password is saved') as string });

  const before = await run(['profile', 'test', '--profile', 'live', '--json']);
  expect(before.code).toBe(1);
  const steps = JSON.parse(before.text) as {
    name: string;
    state: string;
    says: string;
    todo: string | null;
  }[];
  expect(steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'resolve ok',
    'reach ok',
    'certificate ok',
    'login ok',
    'schema failed',
    'rights skipped',
    'bucket skipped',
  ]);
  expect(steps[2]?.says).toContain('CloudSingh Operations');
  expect(steps[4]?.todo).toContain('db install');

  const printed = await run(['db', 'install', '--print', '--profile', 'live']);
  expect(printed.text).toContain('create schema privacy_console');
  expect(await run(['request', 'list', '--profile', 'live'])).toMatchObject({
    code: 1,
    text: 'The console’s schema is missing in this database; an administrator has to run “console db install” first.\n',
  });
  expect(await run(['db', 'install', '--profile', 'live', '--person', 'Asha Rao'])).toMatchObject({
    code: 0,
  });
  const added = [
    'staff',
    'add',
    'ravi',
    '--person',
    'Ravi Kumar',
    '--roles',
    'operator',
    '--password-stdin',
    '--profile',
    'live',
  ];
  expect(await run(added, `${secrets.operator}\n`)).toMatchObject({ code: 0 });

  expect(await run(save('desk', 'ravi'), JSON.stringify({ password: secrets.operator }))).toMatchObject({
    code: 0,
  });
  expect(await run(['request', 'open', 'access', '--profile', 'desk'])).toMatchObject({ code: 0 });
  const listed = await run(['request', 'list', '--profile', 'desk', '--json']);
  expect(JSON.parse(listed.text)).toMatchObject([{ kind: 'access', openedBy: 'ravi' }]);
  expect(await run(['profile', 'test', '--profile', 'desk'])).toMatchObject({ code: 0 });

  // Attack: a server that another authority vouches for, in the place of the right one.
  expect(await run(save('desk', 'ravi', 'other.pem'), '{}')).toMatchObject({ code: 0 });
  const foreign = await run(['request', 'list', '--profile', 'desk']);
  expect(foreign.code).toBe(1);
  expect(foreign.text).toMatch(/certificate/i);

  // Attack: secrets looked for outside the keychain, and a keychain that isn't there.
  for (const folder of ['console', 'console/profiles', 'console/logs']) {
    for (const name of await readdir(path.join(keyring.folder, folder), { withFileTypes: true })) {
      if (!name.isFile()) continue;
      const text = await readFile(path.join(keyring.folder, folder, name.name), 'utf8');
      for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
    }
  }
  const locked = await run(['request', 'list', '--profile', 'live'], '', 'no keychain');
  expect(locked.code).toBe(1);
  expect(locked.text).toMatch(/keychain/i);

  expect(await run(['profile', 'remove', 'live'])).toMatchObject({ code: 0 });
  expect(await run(['profile', 'list', '--json'])).toMatchObject({
    code: 0,
    text: expect.not.stringContaining('"live"') as string,
  });
}, 240_000);
