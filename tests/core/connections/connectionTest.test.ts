import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectionSteps,
  parseProfile,
  testConnection,
  type ConnectionChecks,
} from '#core/connections/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { ConnectionStep } from '#shared/contract/connections.ts';
import { makeAuthority } from '#tests/helpers/certificates.ts';
import { password, startImpostor, startTlsServer, type TlsServer } from '#tests/helpers/tlsServer.ts';

const authority = makeAuthority('CloudSingh');
const until = new Date('2036-03-01T12:00:00Z');
const checks: ConnectionChecks = {
  schema: async (pool) => {
    const { rows } = await pool.query('select current_database() as name');
    return `Schema in ${String(rows[0]?.['name'])}.`;
  },
  rights: async () => 'You are an operator.',
  bucket: async ({ bucket }) => `The bucket ${bucket} answers.`,
};

let server: TlsServer;

beforeAll(async () => {
  server = await startTlsServer(authority.issue({ names: ['database.test'], until }));
});

afterAll(async () => {
  await server.stop();
});

async function run(
  changes: object = {},
  given: { readonly password?: string; readonly checks?: Partial<ConnectionChecks> } = {},
): Promise<readonly ConnectionStep[]> {
  const profile = parseProfile({
    name: 'live',
    environment: 'production',
    host: server.host,
    port: server.port,
    database: 'postgres',
    user: 'clerk',
    caCertificate: authority.certificate,
    tlsServerName: 'database.test',
    r2: { endpoint: 'https://store.test', bucket: 'media' },
    ...changes,
  });
  return testConnection(
    {
      profile,
      password: given.password ?? password,
      objectStoreKeys: { accessKeyId: 'k', secretAccessKey: 's' },
      workstation: 'tests',
      version: '0.0.0',
    },
    { ...checks, ...given.checks },
  );
}

function states(steps: readonly ConnectionStep[]): string {
  return steps.map(({ name, state }) => `${name} ${state}`).join(', ');
}

function failed(steps: readonly ConnectionStep[]): ConnectionStep | undefined {
  return steps.find(({ state }) => state === 'failed');
}

describe('a connection test', () => {
  test('names each step and what it found', async () => {
    const steps = await run();
    expect(steps.map(({ name }) => name)).toEqual(connectionSteps);
    expect(steps).toEqual([
      { name: 'resolve', state: 'ok', says: '127.0.0.1 is an address.', todo: null },
      { name: 'reach', state: 'ok', says: `Port ${server.port} answers.`, todo: null },
      {
        name: 'certificate',
        state: 'ok',
        says: 'TLSv1.3, signed by CloudSingh, valid until 1 Mar 2036.',
        todo: null,
      },
      { name: 'login', state: 'ok', says: 'The database accepts clerk.', todo: null },
      { name: 'schema', state: 'ok', says: 'Schema in postgres.', todo: null },
      { name: 'rights', state: 'ok', says: 'You are an operator.', todo: null },
      { name: 'bucket', state: 'ok', says: 'The bucket media answers.', todo: null },
    ]);
  });

  test('of an unknown host says so, and tries the bucket all the same', async () => {
    const steps = await run({ host: 'no-such-host.invalid' });
    expect(states(steps)).toBe(
      'resolve failed, reach skipped, certificate skipped, login skipped, schema skipped, rights skipped, bucket ok',
    );
    expect(failed(steps)).toMatchObject({
      says: 'The name of the database server was not found.',
      todo: 'Check the host in the profile and the network.',
    });
  });

  test('of a port where nobody listens says so', async () => {
    const closed = await startImpostor('N');
    await closed.stop();
    const steps = await run({ port: closed.port });
    expect(states(steps)).toContain('resolve ok, reach failed, certificate skipped');
    expect(failed(steps)).toMatchObject({
      says: 'The database server refuses connections at this address.',
      todo: 'Check host and port in the profile, and that it is running.',
    });
  });

  test('with a certificate of another authority says who is missing', async () => {
    const steps = await run({ caCertificate: makeAuthority('Somebody Else').certificate });
    expect(states(steps)).toContain('reach ok, certificate failed, login skipped');
    expect(failed(steps)).toMatchObject({
      says: "The server's certificate is signed by nobody this profile trusts, so no password was sent.",
      todo: 'Put the right CA certificate into the profile.',
    });
  });

  test('with a certificate for another name says so', async () => {
    const steps = await run({ tlsServerName: null });
    expect(failed(steps)).toMatchObject({
      name: 'certificate',
      todo: expect.stringContaining('TLS server name'),
    });
  });

  test('with an expired certificate says so and sends nothing', async () => {
    const expired = await startImpostor(
      authority.issue({ names: ['database.test'], from: new Date(0), until: new Date(86_400_000) }),
    );
    try {
      expect(failed(await run({ port: expired.port }))).toMatchObject({
        name: 'certificate',
        says: "The server's certificate has expired, so no password was sent.",
        todo: 'Its administrator has to renew it.',
      });
      expect(expired.heard()).toBe('');
    } finally {
      await expired.stop();
    }
  });

  test('against a server without encryption says so', async () => {
    const plain = await startImpostor('N');
    try {
      expect(failed(await run({ port: plain.port }))).toMatchObject({
        name: 'certificate',
        says: 'The server offers no encrypted connection, so no password was sent.',
      });
      expect(plain.heard()).toBe('');
    } finally {
      await plain.stop();
    }
  });

  test.each([
    ['with a wrong password', {}, { password: 'SECRET' }],
    ['of a login that does not exist', { user: 'nobody' }, {}],
  ])('%s says so without it', async (_how, changes, given) => {
    const steps = await run(changes, given);
    expect(states(steps)).toContain(
      'certificate ok, login failed, schema skipped, rights skipped, bucket ok',
    );
    expect(failed(steps)).toMatchObject({
      says: 'The database refused this user or password.',
      todo: 'Enter them again.',
    });
    expect(JSON.stringify(steps)).not.toContain('SECRET');
  });

  test('of a database that does not exist says so', async () => {
    expect(failed(await run({ database: 'nowhere' }))).toMatchObject({
      name: 'login',
      says: 'The server has no database of that name.',
    });
  });

  test('without the schema skips the rights', async () => {
    const steps = await run(
      {},
      {
        checks: {
          schema: async (pool) =>
            String((await pool.query('select * from privacy_console.version')).rowCount),
        },
      },
    );
    expect(states(steps)).toContain('login ok, schema failed, rights skipped, bucket ok');
    expect(failed(steps)?.todo).toContain('console db install');
  });

  test('with a refused key for the bucket is otherwise complete', async () => {
    const steps = await run(
      {},
      {
        checks: {
          bucket: () =>
            Promise.reject(new ExpectedError('object_store', 'R2 refused the key; enter it again.')),
        },
      },
    );
    expect(states(steps)).toContain('rights ok, bucket failed');
    expect(failed(steps)).toMatchObject({ says: 'R2 refused the key.', todo: 'Enter it again.' });
  });

  test('leaves no session behind, also after a bug', async () => {
    await expect(
      run({}, { checks: { rights: () => Promise.reject(new TypeError('a bug')) } }),
    ).rejects.toThrow('a bug');
    await expect
      .poll(
        async () =>
          (await server.superuser.query("select from pg_stat_activity where usename = 'clerk'")).rowCount,
      )
      .toBe(0);
  });

  test('can be cancelled', async () => {
    const profile = parseProfile({
      name: 'live',
      environment: 'production',
      host: server.host,
      port: server.port,
      database: 'postgres',
      user: 'clerk',
      caCertificate: authority.certificate,
      tlsServerName: 'database.test',
      r2: null,
    });
    const stop = new AbortController();
    const seen: string[] = [];
    await expect(
      testConnection(
        { profile, password, objectStoreKeys: null, workstation: 'tests', version: '0.0.0' },
        checks,
        {
          signal: stop.signal,
          onStep: ({ name }) => {
            seen.push(name);
            if (name === 'certificate') stop.abort();
          },
        },
      ),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toEqual(['resolve', 'reach', 'certificate']);
  });
});
