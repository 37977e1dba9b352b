import { join } from 'node:path';
import { z } from 'zod';
import { checkContinues, readHead } from '#core/audit/witness.ts';
import { beginning, isFault, type Fault, type Head } from '#core/audit/chain.ts';
import { confirmations, covers, restoresIn, type Restore } from '#core/audit/restores.ts';
import { writerOver, type Writer } from '#core/database/database.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { localCopies, type LocalCopies } from './localCopies.ts';
import { openPool, type DatabaseTarget, type Pool } from '#core/database/pool.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Keychain, KeychainEntry, ObjectStoreKeys, ObjectStoreUse } from '#core/keychain/index.ts';
import { openObjectStore } from '#core/objectStore/r2.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import type { Session } from '#shared/contract/connections.ts';
import { roles, type Role } from '#shared/domain/roles.ts';
import { demoRoleOf, readDemoProfile } from './demoProfiles.ts';
import { readProfile } from './profiles.ts';
import { databaseTarget, type Profile } from './rules.ts';
import {
  forgetVerifiedHead,
  furthestHead,
  readVerifiedHead,
  rememberVerifiedHead,
  type VerifiedHead,
} from './verifiedHead.ts';

/** Where this workstation keeps what isn't secret, and where a running demo leaves its made-up secrets. */
export interface Places {
  readonly profileFolder: string;
  readonly demoFolder: string;
  /** Where exports keep what they have read until the package is put together. */
  readonly stagingFolder: string;
}

/** A profile with what is needed to use it. */
export interface ReadyProfile {
  readonly name: string;
  readonly profile: Profile;
  readonly password: string | null;
  objectStoreKeys(use: ObjectStoreUse): Promise<ObjectStoreKeys | null>;
}

/** Somebody signed in: what features work with. */
export interface Desk {
  readonly info: Session;
  readonly profile: Profile;
  readonly pool: Pool;
  readonly database: Writer;
  /** The bucket of the profile, with the token for reading or the one that may delete. The caller closes it. */
  openBucket(use: ObjectStoreUse): Promise<ObjectStore>;
  /**
   * Decides in a session of its own that has just authenticated with the typed password, as the database asks of
   * approvals. A denial needs neither. Throws `wrong_credentials` without one; only a demo login can do without.
   */
  decide<Value>(
    decision: 'approve' | 'deny',
    password: string | undefined,
    work: (database: Writer) => Promise<Value>,
  ): Promise<Value>;
  /** What this login signs packages of this database with, on this computer. */
  readonly signingKey: KeychainEntry<string>;
  /** The packages of this database that were written on this computer. */
  readonly localCopies: LocalCopies;
  /** Where exports of this database keep what they have read. */
  readonly stagingFolder: string;
  /** What enciphers it, by the number of the export. */
  exportKey(exportId: number): KeychainEntry<string>;
  /** The head this console has verified, if any. */
  remembered(): Promise<VerifiedHead | null>;
}

export interface SessionsOptions {
  readonly places: Places;
  readonly keychain: Keychain;
  readonly workstation: string;
  readonly version: string;
  readonly onChange: (session: Session | null, locked: boolean) => void;
}

export interface Sessions {
  /** Throws `not_signed_in` when nobody is. */
  desk(): Desk;
  roles(): readonly Role[] | null;
  current(): { readonly session: Session | null; readonly locked: boolean };
  ready(name: string): Promise<ReadyProfile>;
  signIn(name: string, password: string | undefined, note: (entry: number) => void): Promise<Session>;
  signOut(): Promise<void>;
  /** Empties the session; its connections close once `jobsEnded` settles. */
  lock(jobsEnded: Promise<void>): Promise<void>;
  unlock(password: string | undefined): Promise<Session>;
  close(): Promise<void>;
}

const signedIn = z.object({
  identity: z.string(),
  version: z.number().int(),
  mapHash: z.string(),
  login: z.string(),
  person: z.string(),
  roles: z.array(z.enum(roles)),
});

interface Open {
  readonly name: string;
  readonly identity: string;
  desk: Desk;
}

/** Keeps who is signed in on this console: one at a time. */
export function createSessions(options: SessionsOptions): Sessions {
  const { places, keychain } = options;
  let open: Open | null = null;
  let locked: Open | null = null;
  /** Who is signed in; while locked, whose lock it is, so that the window knows what unlocks it. */
  const info = (): Session | null => (open ?? locked)?.desk.info ?? null;
  const tell = (): void => options.onChange(info(), locked !== null);

  const ready = async (name: string): Promise<ReadyProfile> => {
    const demo = demoRoleOf(name);
    if (demo !== null) {
      const found = await readDemoProfile(places.demoFolder, demo);
      return {
        name,
        profile: found.profile,
        password: found.password,
        objectStoreKeys: () => Promise.resolve(found.objectStoreKeys),
      };
    }
    const profile = await readProfile(places.profileFolder, name);
    return {
      name,
      profile,
      password: await keychain.databasePassword(name).get(),
      objectStoreKeys: (use) => keychain.objectStoreKeys(name, use).get(),
    };
  };

  const remembered = async (name: string, identity: string): Promise<VerifiedHead | null> => {
    const head = await readVerifiedHead(places.profileFolder, name);
    // A demo starts with a new database each time; any other profile means one and the same.
    if (head !== null && head.database !== identity && demoRoleOf(name) === null) return head;
    return furthestHead(places.profileFolder, identity);
  };

  const connect = async (
    name: string,
    typed: string | undefined,
    note: (entry: number) => void,
  ): Promise<Open> => {
    const from = await ready(name);
    const password = typed ?? from.password;
    if (password === null) {
      throw new ExpectedError(
        'wrong_credentials',
        'There is no password for this profile in the keychain; enter it.',
      );
    }
    const pool = openPool(databaseTarget(from.profile, password, options.workstation), {
      version: options.version,
      environment: from.profile.environment,
    });
    try {
      const database = writerOver(pool, () => undefined);
      const known = await schemaState(pool);
      if (known === 'missing') {
        throw new ExpectedError(
          'schema_missing',
          'The console’s schema is missing in this database; an administrator has to run “console db install” first.',
        );
      }
      if (known > schemaVersion) {
        throw new ExpectedError(
          'schema_newer',
          'This database was set up by a newer console; install the newer program on this workstation.',
        );
      }
      if (known < schemaVersion) {
        throw new ExpectedError(
          'schema_older',
          'This database was set up by an older console; an administrator has to run “console db install”.',
        );
      }
      const identity = await readHead(database);
      const before = await remembered(name, identity.identity);
      const restores = await restoresIn(database);
      const contradicted = before === null ? null : await contradiction(database, before, identity.identity);
      const restored =
        contradicted !== null && before !== null && isSaid(before, identity.identity, restores);
      // What two people have said is accepted once, with a trail that holds from its beginning.
      const start = restored ? beginning : (before ?? identity);
      const fault = restored ? await faultAfter(database, beginning) : contradicted;
      const said = await database.effect(sql`select privacy_console.sign_in() as result`, signedIn, note);
      if (fault === null) await witness(database, name, identity.identity, start, before);
      const info: Session = {
        profile: name,
        environment: from.profile.environment,
        database: from.profile.database,
        host: from.profile.host,
        login: said.login,
        person: said.person,
        roles: said.roles,
        schemaVersion: said.version,
        mapHash: said.mapHash,
        objectStore: from.profile.r2 !== null,
        trailFault: fault,
        restored: latest(restores),
      };
      return {
        name,
        identity: identity.identity,
        desk: {
          info,
          profile: from.profile,
          pool,
          database,
          async openBucket(use) {
            const { r2, environment } = from.profile;
            if (r2 === null)
              throw new ExpectedError('object_store', 'This profile names no bucket; add it in the profile.');
            const keys = await from.objectStoreKeys(use);
            if (keys === null) {
              throw new ExpectedError(
                'object_store',
                use === 'delete'
                  ? 'This profile holds no R2 token that may delete; deletions run from a profile that does.'
                  : 'There are no R2 keys for this profile; enter them.',
              );
            }
            return openObjectStore({ ...r2, ...keys, environment });
          },
          async decide(decision, typedAgain, work) {
            if (decision === 'deny') return work(database);
            const again = typedAgain ?? (demoRoleOf(name) === null ? null : password);
            if (again === null)
              throw new ExpectedError('wrong_credentials', 'Enter the password of your login to approve.');
            const fresh = openPool(databaseTarget(from.profile, again, options.workstation), {
              version: options.version,
              environment: from.profile.environment,
            });
            try {
              return await work(writerOver(fresh, () => undefined));
            } finally {
              await fresh.close();
            }
          },
          signingKey: keychain.signingKey(identity.identity, said.login),
          localCopies: localCopies(places.profileFolder, identity.identity),
          stagingFolder: join(places.stagingFolder, identity.identity),
          exportKey: (exportId) => keychain.exportKey(identity.identity, exportId),
          remembered: () => remembered(name, identity.identity),
        },
      };
    } catch (error) {
      await pool.close();
      throw error;
    }
  };

  /** Verifies what came since `start` and remembers where it ends, with the restores that lie behind it. */
  const witness = async (
    database: Writer,
    name: string,
    identity: string,
    start: Head,
    before: VerifiedHead | null,
  ): Promise<void> => {
    const restores = confirmations(await restoresIn(database));
    const outcome = await checkContinues(database, start);
    if (isFault(outcome) || outcome.number === 0) return;
    if (
      demoRoleOf(name) !== null &&
      (await readVerifiedHead(places.profileFolder, name))?.database !== identity
    ) {
      await forgetVerifiedHead(places.profileFolder, name);
    }
    await rememberVerifiedHead(places.profileFolder, name, {
      number: outcome.number,
      chain: outcome.chain,
      database: identity,
      restores: [...new Set([...(before?.restores ?? []), ...restores])],
    });
  };

  const leave = async (leaving: Open): Promise<void> => {
    try {
      if (leaving.desk.info.trailFault === null) {
        const { database } = leaving.desk;
        const before = await leaving.desk.remembered();
        await witness(database, leaving.name, leaving.identity, before ?? (await readHead(database)), before);
      }
    } catch (error) {
      // The next sign-in checks from the head remembered before; a lost connection must not keep anyone signed in.
      if (!(error instanceof ExpectedError)) throw error;
    } finally {
      await leaving.desk.pool.close();
    }
  };

  return {
    desk() {
      if (open === null) {
        throw new ExpectedError(
          'not_signed_in',
          locked === null ? 'Nobody is signed in; sign in first.' : 'The console is locked; unlock it.',
        );
      }
      return open.desk;
    },
    roles: () => open?.desk.info.roles ?? null,
    current: () => ({ session: info(), locked: locked !== null }),
    ready,
    async signIn(name, password, note) {
      const next = await connect(name, password, note);
      const before = open;
      open = next;
      locked = null;
      tell();
      if (before !== null) await leave(before);
      return next.desk.info;
    },
    async signOut() {
      const leaving = open;
      open = null;
      locked = null;
      tell();
      if (leaving !== null) await leave(leaving);
    },
    async lock(jobsEnded) {
      if (open === null) return;
      const leaving = open;
      locked = leaving;
      open = null;
      tell();
      void jobsEnded.then(() => leave(leaving)).catch(() => undefined);
      await Promise.resolve();
    },
    async unlock(password) {
      if (locked === null) throw new ExpectedError('not_signed_in', 'The console isn’t locked; sign in.');
      const { name } = locked;
      if (demoRoleOf(name) === null && password === undefined) {
        throw new ExpectedError('wrong_credentials', 'Enter the password of your login to unlock.');
      }
      const next = await connect(name, password, () => undefined);
      open = next;
      locked = null;
      tell();
      return next.desk.info;
    },
    async close() {
      const leaving = open;
      open = null;
      if (leaving !== null) await leave(leaving);
    },
  };
}

async function contradiction(
  database: Writer,
  before: VerifiedHead,
  identity: string,
): Promise<Fault | null> {
  if (before.database !== identity) {
    return {
      number: before.number,
      says: 'This is another database, or one set up anew, than the one this console has seen.',
    };
  }
  return faultAfter(database, before);
}

async function faultAfter(database: Writer, head: Head): Promise<Fault | null> {
  const outcome = await checkContinues(database, head);
  return isFault(outcome) ? outcome : null;
}

/** Whether two people have said that what this head stood for was lost with a restore, and this console has not yet gone by it. */
function isSaid(head: VerifiedHead, identity: string, restores: readonly Restore[]): boolean {
  return (
    head.database === identity &&
    restores.some(
      (each) =>
        each.state === 'confirmed' &&
        each.decisionChain !== null &&
        !head.restores.includes(each.decisionChain) &&
        covers(each, head),
    )
  );
}

/** The last restore that was confirmed, as a session says it. */
function latest(restores: readonly Restore[]): Session['restored'] {
  const found = restores.find((each) => each.state === 'confirmed');
  if (found === undefined) return null;
  const { lostNumber, declaredBy, decidedBy, decidedAt } = found;
  return { lost: lostNumber, declaredBy, confirmedBy: decidedBy ?? '', at: decidedAt ?? '' };
}

/** Version of our schema in a database, or `missing`. Needs no right beyond the catalogue's. */
export async function schemaState(pool: Pick<Pool, 'query'>): Promise<number | 'missing'> {
  const { rows } = await pool.query(
    `select pg_catalog.to_regnamespace('privacy_console') is not null as there,
       pg_catalog.obj_description(pg_catalog.to_regnamespace('privacy_console'), 'pg_namespace') as comment`,
  );
  const row = z.object({ there: z.boolean(), comment: z.string().nullable() }).parse(rows[0]);
  if (!row.there) return 'missing';
  const version = /version ([0-9]+)/.exec(row.comment ?? '')?.[1];
  return version === undefined ? 0 : Number(version);
}

/** Where and as whom a profile signs in; for what an administrator does before anyone can. */
export async function databaseTargetOf(
  sessions: Sessions,
  name: string,
  workstation: string,
): Promise<DatabaseTarget> {
  const { profile, password } = await sessions.ready(name);
  if (password === null) {
    throw new ExpectedError(
      'wrong_credentials',
      'There is no password for this profile in the keychain; enter it first.',
    );
  }
  return databaseTarget(profile, password, workstation);
}
