import { z } from 'zod';
import { schemaVersion } from '#core/database/migrations/index.ts';
import type { Pool } from '#core/database/pool.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import type { Keychain } from '#core/keychain/index.ts';
import { probeBucket } from '#core/objectStore/r2.ts';
import { testConnection } from './connectionTest.ts';
import { demoRoleOf, demoRoles, readDemoProfile } from './demoProfiles.ts';
import { listProfiles, removeProfile, saveProfile } from './profiles.ts';
import { schemaState, type Places, type Sessions } from './session.ts';

type Names =
  | 'profiles.list'
  | 'profiles.save'
  | 'profiles.remove'
  | 'profiles.test'
  | 'session.current'
  | 'session.signIn'
  | 'session.signOut'
  | 'session.lock'
  | 'session.unlock';

export interface ConnectionOptions {
  readonly sessions: Sessions;
  readonly keychain: Keychain;
  readonly places: Places;
  readonly jobs: Jobs;
  readonly workstation: string;
  readonly version: string;
}

export function connectionOperations(options: ConnectionOptions): SomeHandlers<Names> {
  const { sessions, keychain, places, jobs } = options;
  return {
    'profiles.list': async () => {
      const { profiles } = await listProfiles(places.profileFolder);
      const own = await Promise.all(
        profiles.map(async (profile) => ({
          ...profile,
          hasPassword: await holds(() => keychain.databasePassword(profile.name).get()),
          hasObjectStoreKeys: await holds(() => keychain.objectStoreKeys(profile.name, 'read').get()),
        })),
      );
      return { profiles: [...(await demoProfiles(places.demoFolder)), ...own] };
    },
    'profiles.save': async ({ profile, password, objectStoreKeys }) => {
      if (demoRoleOf(profile.name) !== null) {
        throw new ExpectedError(
          'invalid_input',
          'Names that begin with “demo:” belong to the running demo; choose another.',
        );
      }
      if (password !== undefined || objectStoreKeys !== undefined) await keychain.probe();
      await saveProfile(places.profileFolder, profile);
      if (password !== undefined) await keychain.databasePassword(profile.name).set(password);
      if (objectStoreKeys !== undefined) {
        const { readOnly, ...keys } = objectStoreKeys;
        await keychain.objectStoreKeys(profile.name, 'read').set(keys);
        // One token does both unless it is said to be for reading only.
        if (readOnly) await keychain.objectStoreKeys(profile.name, 'delete').delete();
        else await keychain.objectStoreKeys(profile.name, 'delete').set(keys);
      }
      return {};
    },
    'profiles.remove': async ({ name }) => {
      await keychain.forget(name);
      if (!(await removeProfile(places.profileFolder, name))) {
        throw new ExpectedError('not_found', 'There is no profile of that name.');
      }
      return {};
    },
    'profiles.test': async ({ name }, { signal }) => {
      const ready = await sessions.ready(name);
      if (ready.password === null) {
        throw new ExpectedError(
          'wrong_credentials',
          'There is no password for this profile in the keychain; enter it first.',
        );
      }
      const steps = await testConnection(
        {
          profile: ready.profile,
          password: ready.password,
          objectStoreKeys: await ready.objectStoreKeys('read'),
          workstation: options.workstation,
          version: options.version,
        },
        {
          schema: describeSchema,
          rights: describeRights,
          bucket: async (r2, keys, waiting) => {
            const probe = await probeBucket(
              { ...r2, ...keys, environment: ready.profile.environment },
              waiting === undefined ? {} : { signal: waiting },
            );
            if (!probe.ok)
              throw new ExpectedError(
                'object_store',
                probe.todo === null ? probe.says : `${probe.says.replace(/\.$/, '')}; ${probe.todo}`,
              );
            return probe.says;
          },
        },
        { signal },
      );
      return { steps: steps.map((step) => ({ ...step })) };
    },
    'session.current': () => Promise.resolve(sessions.current()),
    'session.signIn': async ({ profile, password }, call) => ({
      session: await sessions.signIn(profile, password, call.note),
    }),
    'session.signOut': async () => {
      await sessions.signOut();
      return {};
    },
    'session.lock': async () => {
      await sessions.lock(Promise.all(jobs.list().map((job) => jobs.wait(job.id))).then(() => undefined));
      return {};
    },
    'session.unlock': async ({ password }) => ({ session: await sessions.unlock(password) }),
  };
}

async function holds(get: () => Promise<unknown>): Promise<boolean> {
  try {
    return (await get()) !== null;
  } catch (error) {
    // A list is no place to fail for a locked keychain; signing in says so.
    if (error instanceof ExpectedError && error.code === 'no_keychain') return false;
    throw error;
  }
}

async function demoProfiles(folder: string): Promise<
  readonly (Awaited<ReturnType<typeof readDemoProfile>>['profile'] & {
    hasPassword: boolean;
    hasObjectStoreKeys: boolean;
  })[]
> {
  try {
    return await Promise.all(
      demoRoles.map(async (role) => {
        const demo = await readDemoProfile(folder, role);
        return { ...demo.profile, name: demo.name, hasPassword: true, hasObjectStoreKeys: true };
      }),
    );
  } catch (error) {
    if (error instanceof ExpectedError) return [];
    throw error;
  }
}

async function describeSchema(pool: Pool): Promise<string> {
  const found = await schemaState(pool);
  if (found === 'missing')
    throw new ExpectedError(
      'schema_missing',
      'The console’s schema isn’t there; an administrator runs “console db install”.',
    );
  if (found > schemaVersion)
    throw new ExpectedError(
      'schema_newer',
      `The schema is version ${found}, newer than this program’s ${schemaVersion}; install the newer program.`,
    );
  if (found < schemaVersion)
    throw new ExpectedError(
      'schema_older',
      `The schema is version ${found}, older than this program’s ${schemaVersion}; an administrator runs “console db install”.`,
    );
  return `The schema is there, version ${found}.`;
}

async function describeRights(pool: Pool): Promise<string> {
  const { rows } = await pool.query(
    `select s.person, s.roles from privacy_console.staff_list() s where s.login = session_user and s.active`,
  );
  const [mine] = z.array(z.object({ person: z.string(), roles: z.array(z.string()) })).parse(rows);
  if (mine === undefined)
    throw new ExpectedError(
      'not_permitted',
      'This login isn’t registered as staff; an administrator runs “console staff add”.',
    );
  return `The login is ${mine.person}’s, as ${mine.roles.join(', ')}.`;
}
