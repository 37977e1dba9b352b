// Attack: somebody else on the machine plants a file of demo secrets, or changes it, so that a console signs in without
// TLS to a server of theirs; or reads the demo's.
import { chmod, chown, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { demoRoleOf, demoSecretsFile, readDemoProfile, type DemoSecrets } from '#core/connections/index.ts';

const login = (user: string): { user: string; password: string } => ({ user, password: `${user}-SECRET` });
const secrets: DemoSecrets = {
  host: '127.0.0.1',
  port: 54321,
  database: 'platform',
  logins: {
    viewer: login('v'),
    operator: login('o'),
    approver: login('a'),
    'second-approver': login('s'),
    auditor: login('u'),
    administrator: login('d'),
  },
  r2: {
    endpoint: 'http://127.0.0.1:8787/cdn-cgi/local/r2/s3',
    bucket: 'media',
    accessKeyId: 'k',
    secretAccessKey: 's',
  },
};

let folder: string;
let path: string;

async function write(changes: object = {}): Promise<void> {
  await writeFile(path, JSON.stringify({ ...secrets, ...changes }), { mode: 0o600 });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudsingh-demo-'));
  path = join(folder, demoSecretsFile);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a name tells the role', () => {
  expect(demoRoleOf('demo:operator')).toBe('operator');
  for (const name of ['demo', 'demo:', 'demo:root', 'operator', 'Demo:operator', 'demo:toString']) {
    expect(demoRoleOf(name)).toBeNull();
  }
});

test('a running demo is found with its secrets', async () => {
  await write();
  expect(await readDemoProfile(folder, 'operator')).toMatchObject({
    name: 'demo:operator',
    password: 'o-SECRET',
    objectStoreKeys: { accessKeyId: 'k', secretAccessKey: 's' },
    profile: {
      environment: 'demo',
      host: '127.0.0.1',
      port: 54321,
      user: 'o',
      r2: { bucket: 'media' },
    },
  });
  expect(JSON.stringify((await readDemoProfile(folder, 'operator')).profile)).not.toContain('SECRET');
});

test('without a demo the refusal says how to start one', async () => {
  await expect(readDemoProfile(folder, 'operator')).rejects.toMatchObject({
    code: 'not_found',
    message: 'No demo is running; start it with `npm run demo -- --platform-only`.',
  });
});

test.each([0o644, 0o640, 0o620, 0o604, 0o700])('a file of mode %o is refused', async (mode) => {
  await write();
  await chmod(path, mode);
  await expect(readDemoProfile(folder, 'operator')).rejects.toMatchObject({ code: 'refused' });
});

test("somebody else's file is refused", async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can give a file to somebody else');
  await write();
  await chown(path, 65534, 65534);
  await expect(readDemoProfile(folder, 'operator')).rejects.toMatchObject({ code: 'refused' });
});

test('a link is refused, also one to a file that would do', async () => {
  await write();
  const other = await mkdtemp(join(tmpdir(), 'cloudsingh-demo-'));
  try {
    await symlink(path, join(other, demoSecretsFile));
    await expect(readDemoProfile(other, 'operator')).rejects.toMatchObject({ code: 'refused' });
  } finally {
    await rm(other, { recursive: true });
  }
});

test.each([
  ['a host elsewhere', { host: 'database.test' }],
  ['an address elsewhere', { host: '192.0.2.1' }],
  ['a bucket elsewhere without TLS', { r2: { ...secrets.r2, endpoint: 'http://192.0.2.1/' } }],
  ['a bucket elsewhere', { r2: { ...secrets.r2, endpoint: 'https://store.test/' } }],
  ['logins missing', { logins: { operator: login('o') } }],
])('%s is refused', async (_how, changes) => {
  await write(changes);
  const failure = await readDemoProfile(folder, 'operator').catch((error: unknown) => error as Error);
  expect(failure).toMatchObject({ code: 'refused' });
  expect(String((failure as Error).stack)).not.toContain('SECRET');
});
