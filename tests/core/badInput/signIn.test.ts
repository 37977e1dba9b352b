import { randomBytes } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import type { Result } from '#shared/contract/result.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { otherWorkstation } from '#tests/core/erasure/approvedPlan.ts';
import { plainConsole } from '#demo/staff.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import type { DemoSecrets } from '#core/connections/index.ts';
import { plainFailure } from './plain.ts';

/** Signs in as the operator of a workstation with other secrets. */
async function signInWith(desk: TestDesk, change: Partial<DemoSecrets>): Promise<Result<unknown>> {
  const { folder } = await otherWorkstation(desk, change);
  const console = plainConsole({ profileFolder: folder, demoFolder: folder });
  try {
    return await console.dispatch('session.signIn', { profile: 'demo:operator' });
  } finally {
    await console.close();
  }
}

async function setVersion(desk: TestDesk, version: number): Promise<void> {
  await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ said: string }>(
      `select obj_description('privacy_console'::regnamespace, 'pg_namespace') as said`,
    );
    const said = rows[0]?.said.replace(/version [0-9]+/, `version ${String(version)}`) ?? '';
    await query(`comment on schema privacy_console is '${said}'`);
  });
}

test('without the schema says who has to install it', async () => {
  await using desk = await openDesk();
  const empty = `empty_${randomBytes(5).toString('hex')}`;
  await desk.superuser(({ query }) => query(`create database ${empty}`));
  try {
    expect(plainFailure(await signInWith(desk, { database: empty }))).toEqual([
      'schema_missing',
      'The console’s schema is missing in this database; an administrator has to run “console db install” first.',
    ]);
  } finally {
    await withSuperuser(inject('platform'), 'postgres', ({ query }) =>
      query(`drop database ${empty} with (force)`),
    );
  }
});

test('a newer schema asks for the newer program, at sign-in and at install, and nothing is changed', async () => {
  await using desk = await openDesk();
  await setVersion(desk, 99);
  expect(plainFailure(await signInWith(desk, {}))).toEqual([
    'schema_newer',
    'This database was set up by a newer console; install the newer program on this workstation.',
  ]);
  const administrator = desk.console();
  const [code] = plainFailure(
    await administrator.dispatch('database.install', { profile: 'demo:administrator' }),
  );
  expect(code).toBe('schema_newer');
  await setVersion(desk, 1);
  expect(await signInWith(desk, {})).toMatchObject({ ok: true });
});

test('an older schema asks for an install', async () => {
  await using desk = await openDesk();
  await setVersion(desk, 0);
  expect(plainFailure(await signInWith(desk, {}))).toEqual([
    'schema_older',
    'This database was set up by an older console; an administrator has to run “console db install”.',
  ]);
});

test('a role without rights is told to ask an administrator, whether it never had them or lost them', async () => {
  await using desk = await openDesk();
  const stranger = {
    user: `stranger_${randomBytes(5).toString('hex')}`,
    password: randomBytes(9).toString('hex'),
  };
  await desk.superuser(({ query }) =>
    query(`create role ${stranger.user} login password '${stranger.password}'`),
  );
  try {
    const logins = { ...desk.secrets.logins, operator: stranger };
    const [code, message] = plainFailure(await signInWith(desk, { logins }), stranger.password);
    expect(code).toBe('not_permitted');
    expect(message).toMatch(/ask an administrator/);
  } finally {
    await desk.superuser(({ query }) => query(`drop role ${stranger.user}`));
  }
  const administrator = await desk.signIn('administrator');
  const leaver = {
    user: `leaver_${randomBytes(5).toString('hex')}`,
    password: randomBytes(9).toString('hex'),
  };
  await expectDone(administrator, 'staff.add', {
    login: leaver.user,
    person: `Leaver ${leaver.user}`,
    roles: ['operator'],
    password: leaver.password,
  });
  const station = await otherWorkstation(desk, { logins: { ...desk.secrets.logins, operator: leaver } });
  const left = await station.signIn();
  await expectDone(administrator, 'staff.remove', { login: leaver.user });
  const [code] = plainFailure(
    await left.dispatch('search.run', { text: 'somebody', reason: 'still here' }),
    leaver.password,
  );
  expect(['not_permitted', 'unreachable', 'wrong_credentials']).toContain(code);
  await left.close();
});

test('a wrong password and a missing database are told apart', async () => {
  await using desk = await openDesk();
  const operator = { ...desk.secrets.logins.operator, password: 'not-the-password' };
  const [wrong] = plainFailure(
    await signInWith(desk, { logins: { ...desk.secrets.logins, operator } }),
    operator.password,
  );
  expect(wrong).toBe('wrong_credentials');
  const [missing] = plainFailure(await signInWith(desk, { database: 'nowhere' }));
  expect(missing).toBe('not_found');
});
