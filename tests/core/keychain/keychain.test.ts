// Attack: a console without a working keychain that quietly keeps secrets elsewhere, in a file or in the kernel's
// keyring that everything of this user reads, or that tells a secret in an error.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, type TestContext } from 'vitest';
import { keychainOver } from '#core/keychain/keychain.ts';
import { memoryKeychain } from '#core/keychain/index.ts';
import { makeKeyring, secretServiceMissing, type TestKeyring } from '#tests/helpers/secretService.ts';

const missing = secretServiceMissing();
const secret = 'pässwörd नमस्ते 🎉 \u0001 "quoted"';
const keys = { accessKeyId: 'a'.repeat(32), secretAccessKey: 'SECRET'.repeat(10) };

let keyring: TestKeyring;

/** On the build machine a missing keyring is a failure and not a reason to skip. */
function needSecretService(context: TestContext): void {
  if (missing === null) return;
  if (process.env['CI'] === 'true') throw new Error(missing);
  context.skip(missing);
}

/** Our keys in the kernel's keyring; a run of this test with the pinning off leaves one. */
async function kernelKeys(): Promise<readonly string[]> {
  const keys = await readFile('/proc/keys', 'utf8').catch(() => '');
  return keys.match(/keyring:.*@CloudSingh/g) ?? [];
}

beforeEach(async () => {
  keyring = await makeKeyring();
});

afterEach(async () => {
  await keyring.remove();
});

describe('a Secret Service', { timeout: 30_000 }, () => {
  test('keeps secrets by profile and use, over the end of the session, until they are deleted', async (context) => {
    needSecretService(context);
    expect(
      await keyring.run('unlocked', [
        { do: 'probe' },
        { do: 'get password', profile: 'live' },
        { do: 'set password', profile: 'live', secret },
        { do: 'set password', profile: 'test', secret: 'other' },
        { do: 'set keys', profile: 'live', use: 'read', keys },
        { do: 'get password', profile: 'live' },
      ]),
    ).toEqual([
      { value: null },
      { value: null },
      { value: null },
      { value: null },
      { value: null },
      { value: secret },
    ]);
    expect(
      await keyring.run('unlocked', [
        { do: 'get password', profile: 'live' },
        { do: 'get keys', profile: 'live', use: 'read' },
        { do: 'get keys', profile: 'live', use: 'delete' },
        { do: 'delete password', profile: 'live' },
        { do: 'delete password', profile: 'live' },
        { do: 'get password', profile: 'live' },
        { do: 'forget', profile: 'live' },
        { do: 'get keys', profile: 'live', use: 'read' },
        { do: 'get password', profile: 'test' },
      ]),
    ).toEqual([secret, keys, null, true, false, null, null, null, 'other'].map((value) => ({ value })));
  });

  test('keeps nothing in clear text', async (context) => {
    needSecretService(context);
    await keyring.run('unlocked', [{ do: 'set keys', profile: 'live', use: 'read', keys }]);
    const found: string[] = [];
    for (const entry of await readdir(keyring.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      found.push(entry.name);
      const content = await readFile(join(entry.parentPath, entry.name), 'latin1');
      expect(content).not.toContain(keys.secretAccessKey);
    }
    expect(found).toContain('login.keyring');
  });

  test('that is locked is refused, also where it looks empty', async (context) => {
    needSecretService(context);
    await keyring.run('unlocked', [{ do: 'set password', profile: 'live', secret: 'SECRET' }]);
    const answers = await keyring.run('locked', [
      { do: 'probe' },
      { do: 'get password', profile: 'live' },
      { do: 'get password', profile: 'never-stored' },
      { do: 'set password', profile: 'live', secret: 'SECRET' },
      { do: 'delete password', profile: 'live' },
    ]);
    expect(answers).toHaveLength(5);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        code: 'no_keychain',
        message: expect.stringContaining('locked or refuses the console; unlock it and try again'),
      });
      expect(JSON.stringify(answer)).not.toContain('SECRET');
    }
    expect(await keyring.run('unlocked', [{ do: 'get password', profile: 'live' }])).toEqual([
      { value: 'SECRET' },
    ]);
  });
});

describe('without a keychain', { timeout: 30_000 }, () => {
  test('every use is refused in plain words, and nothing is kept anywhere', async (context) => {
    if (process.platform !== 'linux') context.skip('only Linux can lack a keychain');
    const before = await kernelKeys();
    const answers = await keyring.run('no bus', [
      { do: 'probe' },
      { do: 'set password', profile: 'live', secret: 'SECRET' },
      { do: 'get password', profile: 'live' },
      { do: 'delete password', profile: 'live' },
    ]);
    expect(answers).toHaveLength(4);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        code: 'no_keychain',
        message: expect.stringContaining('This computer has no keychain running; start one'),
      });
      expect(JSON.stringify(answer)).not.toContain('SECRET');
    }
    expect(await kernelKeys()).toEqual(before);
    const files = await readdir(keyring.folder, { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toEqual([]);
  });
});

describe('any keychain', () => {
  test('that takes a secret and does not give it back is refused', async () => {
    const forgetful = keychainOver({
      get: async () => null,
      set: async () => undefined,
      delete: async () => false,
    });
    await expect(forgetful.probe()).rejects.toMatchObject({ code: 'no_keychain' });
    await expect(forgetful.databasePassword('live').get()).rejects.toMatchObject({ code: 'no_keychain' });
    await expect(forgetful.databasePassword('live').set('x')).rejects.toMatchObject({ code: 'no_keychain' });
  });

  test('with damaged keys says so without them', async () => {
    const keychain = keychainOver({
      get: async () => '{"accessKeyId":"SECRET"}',
      set: async () => undefined,
      delete: async () => true,
    });
    const failure = await keychain
      .objectStoreKeys('live', 'read')
      .get()
      .catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'wrong_credentials' });
    expect(String((failure as Error).stack)).not.toContain('SECRET');
    expect((failure as Error).cause).toBeUndefined();
  });

  test('tells the uses and profiles apart', async () => {
    const keychain = memoryKeychain();
    await keychain.databasePassword('live').set('a');
    await keychain.objectStoreKeys('live', 'delete').set(keys);
    expect(await keychain.databasePassword('liv').get()).toBeNull();
    expect(await keychain.objectStoreKeys('live', 'read').get()).toBeNull();
    expect(await keychain.objectStoreKeys('live', 'delete').get()).toEqual(keys);
    await keychain.forget('live');
    expect(await keychain.databasePassword('live').get()).toBeNull();
  });
});
