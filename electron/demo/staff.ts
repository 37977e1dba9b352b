import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createConsole, type Console, type ConsolePorts } from '#core/console.ts';
import type { DemoRole, DemoSecrets, Places } from '#core/connections/index.ts';
import { openLog } from '#core/kernel/log.ts';
import { memoryKeychain, type Keychain } from '#core/keychain/index.ts';
import { scramVerifier } from '#core/staff/index.ts';
import type { InputOf, OperationName, OutputOf } from '#shared/contract/index.ts';
import type { Role } from '#shared/domain/roles.ts';
import type { Platform } from './platform.ts';
import { platformOwner } from './platformSchema.ts';
import { writeDemoSecrets } from './secrets.ts';
import { quoteName, withSuperuser } from './superuser.ts';

/** The made-up staff of a demo: who they are and what they may do. */
const people = {
  viewer: { person: 'Vidya Nair', roles: ['viewer'] },
  operator: { person: 'Ravi Kumar', roles: ['operator'] },
  approver: { person: 'Meera Iyer', roles: ['approver'] },
  auditor: { person: 'Farhan Ali', roles: ['auditor'] },
} as const satisfies Record<Exclude<DemoRole, 'administrator'>, { person: string; roles: readonly Role[] }>;

const administrator = 'Asha Rao';

/** Where a demo's or a test's consoles find their secrets and keep what they keep. */
export type DemoPlaces = Pick<Places, 'profileFolder' | 'demoFolder'>;

/** How much a console does at a time; other than by default only in tests of what happens in between. */
export type Pace = Pick<ConsolePorts, 'batchRows' | 'exportPace'>;

/** A console for the demo's own steps and for tests: no window, no keychain, no log. */
export function plainConsole(
  places: DemoPlaces,
  pace: Pace = {},
  keychain: Keychain = memoryKeychain(),
): Console {
  return createConsole({
    places: { ...places, stagingFolder: join(places.profileFolder, 'exports') },
    keychain,
    log: openLog(null),
    workstation: {
      chooseFolder: () => Promise.resolve(null),
      chooseFile: () => Promise.resolve(null),
      copy: () => Promise.resolve(),
      shell: 'none',
    },
    ...pace,
  });
}

/** Calls an operation and gives its value; a failure is thrown with its sentence. */
export async function expectDone<Name extends OperationName>(
  console: Console,
  name: Name,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  const result = await console.dispatch(name, input);
  if (!result.ok) throw new Error(`${name}: ${result.failure.code}: ${result.failure.message}`);
  return result.value;
}

/**
 * Makes the platform's administrator, installs the console's schema as an
 * administrator would, adds the staff, builds the indexes, and leaves the
 * secrets where demo profiles find them.
 */
export async function installDemo(platform: Platform, places: DemoPlaces): Promise<DemoSecrets> {
  const password = (): string => randomBytes(18).toString('base64url');
  const logins = {
    viewer: { user: 'viewer', password: password() },
    operator: { user: 'operator', password: password() },
    approver: { user: 'approver', password: password() },
    auditor: { user: 'auditor', password: password() },
    administrator: { user: 'administrator', password: password() },
  };
  await withSuperuser(platform, platform.database, async ({ query }) => {
    // A platform kept from an earlier demo still has its logins; their passwords are made anew.
    for (const { user, password: secret } of Object.values(logins)) {
      const { rows } = await query('select from pg_roles where rolname = $1', [user]);
      if (rows.length > 0) await query(`alter role ${quoteName(user)} password '${scramVerifier(secret)}'`);
      else if (user === logins.administrator.user) {
        await query(`create role ${quoteName(user)} login createrole password '${scramVerifier(secret)}'`);
      }
    }
    await query(`grant ${quoteName(platformOwner)} to ${quoteName(logins.administrator.user)}`);
  });
  const secrets: DemoSecrets = {
    host: platform.host,
    port: platform.port,
    database: platform.database,
    logins,
    r2: platform.r2,
  };
  await writeDemoSecrets(places.demoFolder, secrets);
  const console = plainConsole(places);
  try {
    // First the indexes: pages are compiled for those that are there.
    await expectDone(console, 'database.indexes', { profile: 'demo:administrator', apply: true });
    await expectDone(console, 'database.install', { profile: 'demo:administrator', person: administrator });
    await expectDone(console, 'session.signIn', { profile: 'demo:administrator' });
    for (const [role, who] of Object.entries(people)) {
      const login = logins[role as keyof typeof people];
      await expectDone(console, 'staff.add', {
        login: login.user,
        person: who.person,
        roles: [...who.roles],
        password: login.password,
      });
    }
  } finally {
    await console.close();
  }
  return secrets;
}
