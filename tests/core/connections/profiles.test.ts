import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  databaseTarget,
  listProfiles,
  parseProfile,
  readCertificateFile,
  readProfile,
  removeProfile,
  saveProfile,
} from '#core/connections/index.ts';
import { makeAuthority } from '#tests/helpers/certificates.ts';

const { certificate } = makeAuthority('CloudSingh');
const live = {
  name: 'live',
  environment: 'production',
  host: 'database.test',
  port: 5432,
  database: 'platform',
  user: 'asha',
  caCertificate: certificate,
  tlsServerName: null,
  r2: { endpoint: 'https://account.r2.cloudflarestorage.com', bucket: 'media' },
} as const;

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'cloudsingh-profiles-'));
  folder = join(parent, 'profiles');
});

afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

describe('a profile', () => {
  test('is kept for its owner alone and read back as it was', async () => {
    await saveProfile(folder, live);
    expect(await readProfile(folder, 'live')).toEqual(live);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'profile-live.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['profile-live.json']);
  });

  test('is replaced, listed and removed by its name', async () => {
    expect(await listProfiles(folder)).toEqual({ profiles: [], damaged: [] });
    await saveProfile(folder, live);
    await saveProfile(folder, { ...live, port: 5433 });
    await saveProfile(folder, { ...live, name: 'a-test', environment: 'staging', r2: null });
    const { profiles } = await listProfiles(folder);
    expect(profiles.map(({ name, port }) => [name, port])).toEqual([
      ['a-test', 5432],
      ['live', 5433],
    ]);
    expect(await removeProfile(folder, 'live')).toBe(true);
    expect(await removeProfile(folder, 'live')).toBe(false);
    await expect(readProfile(folder, 'live')).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each([
    '',
    'Live',
    '-a',
    'a b',
    'a/b',
    '../live',
    'live.json',
    'con:',
    'ü',
    'x'.repeat(41),
    'demo:operator',
  ])('can not be called %j', async (name) => {
    await expect(saveProfile(folder, { ...live, name })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(readProfile(folder, name)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(removeProfile(folder, name)).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await readdir(parent)).toEqual([]);
  });

  test('is refused without repeating what was typed', () => {
    for (const changes of [
      { password: 'SECRET' },
      { host: 'SECRET@database.test' },
      { caCertificate: '-----BEGIN PRIVATE KEY-----SECRET-----END PRIVATE KEY-----' },
      { port: 'SECRET' },
      { r2: { ...live.r2, secretAccessKey: 'SECRET' } },
      { environment: 'SECRET' },
      { user: 'SECRET\u0000' },
    ]) {
      let failure: unknown;
      try {
        parseProfile({ ...live, ...changes });
      } catch (error) {
        failure = error;
      }
      expect(failure).toMatchObject({ name: 'ExpectedError', code: 'invalid_input' });
      expect(String((failure as Error).stack)).not.toContain('SECRET');
    }
  });

  test.each(['{', '', '[]', '{"name":"live"}', JSON.stringify({ ...live, name: 'other' }), '\uFFFE'])(
    'whose file holds %j is named and left as it is',
    async (text) => {
      await saveProfile(folder, { ...live, name: 'good' });
      const path = join(folder, 'profile-live.json');
      await writeFile(path, text);
      await expect(readProfile(folder, 'live')).rejects.toMatchObject({
        code: 'disk',
        message: expect.stringContaining('was left as it is'),
      });
      const { profiles, damaged } = await listProfiles(folder);
      expect(profiles.map(({ name }) => name)).toEqual(['good']);
      expect(damaged).toEqual(['live']);
      expect(await readFile(path, 'utf8')).toBe(text);
    },
  );

  test('that can not be written leaves nothing half done', async () => {
    // A folder in the place of the file makes the last step, the renaming, fail, for root too.
    await saveProfile(join(folder, 'profile-live.json'), live);
    await expect(saveProfile(folder, live)).rejects.toMatchObject({ code: 'disk' });
    expect(await readdir(folder)).toEqual(['profile-live.json']);
  });
});

describe('the way to the database', () => {
  test('is verified TLS with the certificate and name of the profile', () => {
    const profile = parseProfile({ ...live, tlsServerName: 'far.test', host: '127.0.0.1' });
    expect(databaseTarget(profile, 'p', 'desk')).toMatchObject({
      tls: { mode: 'verify', ca: certificate, serverName: 'far.test' },
    });
  });

  test('does without TLS in a demo only, which is on this computer', () => {
    const demo = { ...live, environment: 'demo', host: '127.0.0.1', r2: null };
    expect(databaseTarget(parseProfile(demo), 'p', 'desk').tls).toEqual({ mode: 'loopback' });
    expect(databaseTarget(parseProfile({ ...live, host: '127.0.0.1' }), 'p', 'desk').tls.mode).toBe('verify');
  });
});

describe('a CA certificate', () => {
  test('is read from a file, several in one too', async () => {
    const path = join(parent, 'ca.pem');
    await writeFile(path, `# ours\n${certificate}${certificate}`);
    const text = await readCertificateFile(path);
    expect(parseProfile({ ...live, caCertificate: text }).caCertificate).toBe(text);
  });

  test.each(['not there', 'no certificate', 'broken'])('that is %s is refused', async (how) => {
    const path = join(parent, 'ca.pem');
    if (how === 'no certificate') await writeFile(path, 'hello');
    if (how === 'broken') await writeFile(path, certificate.replace(/.{20}\n/, '\n'));
    await expect(
      readCertificateFile(path).then((caCertificate) => parseProfile({ ...live, caCertificate })),
    ).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
