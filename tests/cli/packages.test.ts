import { execFile, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someone } from '#tests/helpers/psql.ts';
import { makeKeyring, type TestKeyring } from '#tests/helpers/secretService.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { need } from '../prerequisites.ts';

/**
 * Packages from the command line to the receiver, who judges them with the
 * tools of the system alone.
 */
const root = path.join(import.meta.dirname, '../..');
const tool = promisify(execFile);

let desk: TestDesk;
let keyring: TestKeyring;
let request: string;

beforeAll(async () => {
  desk = await openDesk();
  keyring = await makeKeyring();
  const operator = await desk.signIn('operator');
  const { hits } = await expectDone(operator, 'search.run', {
    text: (await someone(desk)).email,
    reason: 'a test',
  });
  const opened = await expectDone(operator, 'requests.open', {
    kind: 'access',
    receivedOn: '2026-11-01',
    subject: hits[0]?.subject ?? '',
  });
  request = String(opened.request.id);
}, 120_000);

afterAll(async () => {
  await keyring.remove();
  await desk[Symbol.asyncDispose]();
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in a session with a keyring of the test's own, or with no keychain at all. */
function run(session: 'keyring' | 'no keychain', argv: readonly string[], input = ''): Promise<Ended> {
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
        PRIVACY_CONSOLE_HOME: desk.home,
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

const as = (role: string): readonly string[] => ['--profile', `demo:${role}`];

/** Exports into a new folder; gives what was told and that folder. */
async function exported(
  session: 'keyring' | 'no keychain',
  ...options: readonly string[]
): Promise<{ readonly told: Readonly<Record<string, unknown>>; readonly folder: string }> {
  const folder = await mkdtemp(path.join(desk.folder, 'to-'));
  const argv = ['export', request, '--to', folder, ...options, ...as('operator'), '--json'];
  const ended = await run(session, argv);
  expect(ended, argv.join(' ')).toMatchObject({ code: 0 });
  return { told: JSON.parse(ended.stdout) as Record<string, unknown>, folder };
}

async function verified(argv: readonly string[], input = ''): Promise<Readonly<Record<string, unknown>>> {
  const ended = await run('no keychain', ['package', 'verify', ...argv, '--json'], input);
  return { code: ended.code, ...(JSON.parse(ended.stdout) as Record<string, unknown>) };
}

/** What a receiver does, in the unpacked folder, with the key they were given another way. */
async function believed(
  cwd: string,
  given: { readonly pem: string; readonly allowed: string },
): Promise<void> {
  await tool('sha256sum', ['--quiet', '-c', 'manifest-sha256.txt'], { cwd });
  await tool('sha256sum', ['--quiet', '-c', 'tagmanifest-sha256.txt'], { cwd });
  const openssl = ['pkeyutl', '-verify', '-pubin', '-inkey', given.pem, '-rawin'];
  await tool(
    'openssl',
    [...openssl, '-in', 'tagmanifest-sha256.txt', '-sigfile', 'tagmanifest-sha256.txt.sig'],
    { cwd },
  );
  // The very line that VERIFY.txt tells.
  const line = /^ {3}(ssh-keygen -Y verify .*)$/m.exec(await readFile(path.join(cwd, 'VERIFY.txt'), 'utf8'));
  await tool('sh', ['-c', (line?.[1] ?? 'false').replace('-f allowed', `-f '${given.allowed}'`)], { cwd });
}

test('a folder signed with the key of the keychain is believed by stock tools with the key that “keys show” prints', async (context) => {
  need(context, 'secretService', 'openssl', 'sshKeygen');
  const { told } = await exported('keyring', '--folder');
  const cwd = String(told['file']);
  const list = await run('no keychain', ['keys', 'list', ...as('auditor'), '--json']);
  const keys = JSON.parse(list.stdout) as { id: number; fingerprint: string }[];
  expect(keys).toMatchObject([{ fingerprint: told['signer'], packages: 1 }]);
  const { stdout } = await run('no keychain', ['keys', 'show', String(keys[0]?.id), ...as('viewer')]);
  const given = { pem: path.join(desk.folder, 'given.pem'), allowed: path.join(desk.folder, 'allowed') };
  await writeFile(given.pem, stdout.slice(stdout.indexOf('-----BEGIN'), stdout.indexOf('\n\nconsole ')));
  await writeFile(given.allowed, stdout.slice(stdout.indexOf('console namespaces=')));
  await believed(cwd, given);

  const signer = String(told['signer']);
  expect(await verified([cwd, '--signer', signer])).toMatchObject({ code: 0, intact: true, signer });
  const file = path.join(cwd, 'signer.pub');
  expect(await verified([cwd, '--signer', file])).toMatchObject({ code: 0, intact: true });
  const other = `SHA256:${'A'.repeat(43)}`;
  expect(await verified([cwd, '--signer', other])).toMatchObject({ code: 1, intact: false });
  const said = await run('no keychain', ['package', 'verify', cwd, '--signer', given.pem]);
  expect(said).toMatchObject({ code: 1, stdout: '' });
  expect(said.stderr).toMatch(/^The file of the signer holds no Ed25519 key .*\n$/);

  await appendFile(path.join(cwd, 'data/index.html'), ' ');
  const { code, faults } = await verified([cwd]);
  expect(code).toBe(1);
  expect(faults).toContainEqual(expect.objectContaining({ path: 'data/index.html' }));
  await expect(believed(cwd, given)).rejects.toThrow();

  const retire = ['keys', 'retire', String(keys[0]?.id), '--reason', 'a test'];
  expect(await run('no keychain', [...retire, ...as('auditor')])).toMatchObject({ code: 1, stdout: '' });
  expect(await run('no keychain', [...retire, ...as('operator')])).toMatchObject({ code: 0 });
  const again = await run('no keychain', [...retire, ...as('approver')]);
  expect(again).toMatchObject({
    code: 1,
    stderr: `Signing key ${String(keys[0]?.id)} is retired already.\n`,
  });
  expect(await run('no keychain', ['keys', 'show', '999', ...as('viewer')])).toMatchObject({
    code: 1,
    stderr: 'There is no signing key 999; “console keys list” names them.\n',
  });
  // With the retired one in the keychain, the next package is signed with a new one.
  const next = await exported('keyring');
  expect(next.told['signer']).toMatch(/^SHA256:/);
  expect(next.told['signer']).not.toBe(signer);
}, 240_000);

test('one encrypted for a key, and one with a passphrase, are opened and checked by age and by the console alone', async (context) => {
  need(context, 'secretService', 'age', 'unzip');
  const identity = path.join(desk.folder, 'identity');
  await tool('age-keygen', ['-o', identity]);
  const recipient = (await tool('age-keygen', ['-y', identity])).stdout.trim();
  const { told, folder } = await exported('keyring', '--recipient', recipient);
  const file = String(told['file']);
  expect(file).toMatch(/\.zip\.age$/);
  expect(await readdir(folder)).toEqual([path.basename(file)]);
  const zip = path.join(folder, 'opened.zip');
  await tool('age', ['-d', '-i', identity, '-o', zip, file]);
  await tool('unzip', ['-q', '-t', zip]);
  expect(await verified([file, '--identity', identity, '--signer', String(told['signer'])])).toMatchObject({
    code: 0,
    intact: true,
    encrypted: true,
  });
  const locked = await run('no keychain', ['package', 'verify', file]);
  expect(locked).toMatchObject({ code: 1, stdout: '' });
  expect(locked.stderr).toBe(
    'The package is encrypted; give the identity file or the passphrase it was made for.\n',
  );
  const other = path.join(desk.folder, 'other');
  await tool('age-keygen', ['-o', other]);
  expect(await run('no keychain', ['package', 'verify', file, '--identity', other])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^The package does not open with this key or passphrase; .*\n$/) as string,
  });

  const second = await exported('keyring', '--passphrase');
  const passphrase = String(second.told['passphrase']);
  expect(passphrase).toMatch(/^([a-hjkmnp-z2-9]{4}-){6}[a-hjkmnp-z2-9]{4}$/);
  const opening = [String(second.told['file']), '--passphrase-stdin'];
  expect(await verified(opening, `${passphrase}\n`)).toMatchObject({ code: 0, intact: true });
  expect(await run('no keychain', ['package', 'verify', ...opening], 'guessed')).toMatchObject({ code: 1 });

  // Looked into without being unpacked, by nobody who is signed in.
  const show = async (...argv: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    const ended = await run('no keychain', ['package', 'show', ...opening, ...argv, '--json'], passphrase);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    return JSON.parse(ended.stdout) as Record<string, unknown>;
  };
  const { requestNumber, profile, collections } = await show();
  expect({ requestNumber, profile }).toEqual({ requestNumber: request, profile: 'access' });
  expect(collections).toContainEqual({ name: 'users', rows: 1 });
  const page = await show('--collection', 'messages', '--from', '2', '--limit', '1');
  expect(page).toMatchObject({ records: [{ line: 2 }] });
  expect(await show('--files')).toMatchObject({ files: [{ line: 1 }], next: null });
  const none = await run('no keychain', [
    'package',
    'show',
    file,
    '--collection',
    'x',
    '--identity',
    identity,
  ]);
  expect(none).toMatchObject({
    code: 1,
    stderr: 'The package has no such collection; check it to see what it holds.\n',
  });
  const two = ['package', 'show', file, '--collection', 'x', '--files', '--identity', identity];
  expect(await run('no keychain', two)).toMatchObject({ code: 2 });
}, 240_000);

test('without a keychain the package is not signed, and says so in one sentence; nothing else is left on the disk', async () => {
  const { told, folder } = await exported('no keychain');
  expect(told).toMatchObject({ signer: null, note: expect.stringMatching(/keychain/) as string });
  expect(await readdir(folder)).toEqual([path.basename(String(told['file']))]);
  expect(await verified([String(told['file'])])).toMatchObject({ code: 0, intact: true, signer: null });
  const asked = ['--signer', `SHA256:${'A'.repeat(43)}`];
  expect(await verified([String(told['file']), ...asked])).toMatchObject({ code: 1, intact: false });
}, 120_000);

test('a key that is none, an encrypted folder and two ways at once are refused before anything is opened', async () => {
  const folder = path.join(desk.folder, 'nothing');
  await mkdir(folder);
  const console = await desk.signIn('operator');
  const before = (await expectDone(console, 'exports.list', {})).exports.length;
  const begin = ['export', request, '--to', folder, ...as('operator')];
  const key = await run('no keychain', [...begin, '--recipient', 'age1nokey']);
  expect(key).toMatchObject({ code: 1, stdout: '' });
  expect(key.stderr).toMatch(/^Recipient 1 is not an age key, .*\n$/);
  const open = await run('no keychain', [...begin, '--folder', '--passphrase']);
  expect(open).toMatchObject({ code: 1, stdout: '' });
  expect(open.stderr).toBe('A folder can not be encrypted; make one zip of it, or choose no encryption.\n');
  const both = await run('no keychain', [...begin, '--passphrase', '--recipient', 'age1nokey']);
  expect(both.code).toBe(2);
  expect(await readdir(folder)).toEqual([]);
  expect((await expectDone(console, 'exports.list', {})).exports).toHaveLength(before);
  await rm(folder, { recursive: true });
}, 120_000);

test('a secret key given for a recipient by mistake is refused, and nothing ever tells it again', async () => {
  const secret = `AGE-SECRET-KEY-1${'QQPL'.repeat(14)}QP`;
  const folder = await mkdtemp(path.join(desk.folder, 'to-'));
  for (const output of [[], ['--json']]) {
    const argv = ['export', request, '--to', folder, '--recipient', secret, ...as('operator'), ...output];
    const { code, stdout, stderr } = await run('no keychain', argv);
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).toContain('Recipient 1 is a secret key');
    expect(`${stdout}${stderr}`).not.toContain('QQPL');
  }
  expect(await readdir(folder)).toEqual([]);
  await expect(tool('grep', ['-rlI', 'QQPLQQPL', desk.home])).rejects.toMatchObject({ code: 1, stdout: '' });
});
