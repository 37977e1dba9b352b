import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import type { DemoRole, DemoSecrets } from '#core/connections/index.ts';
import type { Console } from '#core/console.ts';
import { findPlaces } from '#core/places.ts';
import { startObjectStore, type ObjectStore } from '#demo/objectStore.ts';
import { copyDatabase, mediaBucket } from '#demo/platform.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { expectDone, plainConsole, type Pace } from '#demo/staff.ts';
import { withSuperuser, type SuperuserSession } from '#demo/superuser.ts';

export { expectDone };

/** A database of its own with the console installed, its staff, and consoles for them. */
export interface TestDesk {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly secrets: DemoSecrets;
  readonly folder: string;
  /** What PRIVACY_CONSOLE_HOME is set to, for processes of their own; its demo profiles are this desk's. */
  readonly home: string;
  /** The R2 of the test's own; null unless asked for. */
  readonly bucket: ObjectStore | null;
  /** A console with that member of staff signed in; closed with the desk. */
  signIn(role: DemoRole, pace?: Pace): Promise<Console>;
  /** A console with nobody signed in. */
  console(): Console;
  /** A bare session as that member of staff, as `psql` would have it; closed with the desk. */
  bare(role: DemoRole): Promise<pg.Client>;
  superuser<Value>(work: (session: SuperuserSession) => Promise<Value>): Promise<Value>;
  /** A session of the superuser that stays; closed with the desk. */
  bareSuperuser(): Promise<pg.Client>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Consoles keep no bucket unless `withBucket`: an empty R2 of the test's own. */
export async function openDesk(options: { readonly withBucket?: boolean } = {}): Promise<TestDesk> {
  const shared = inject('platform');
  const database = `test_${randomBytes(6).toString('hex')}`;
  const server = { host: shared.host, port: shared.port, superuser: shared.superuser };
  await copyDatabase(server as Parameters<typeof copyDatabase>[0], shared.template, database);
  const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-desk-'));
  let store: ObjectStore | null = null;
  if (options.withBucket === true) {
    store = await startObjectStore({ folder: path.join(folder, 'objects'), bucket: mediaBucket });
  }
  const secrets: DemoSecrets = {
    ...shared.secrets,
    database,
    ...(store === null
      ? {}
      : {
          r2: {
            endpoint: store.endpoint,
            bucket: store.bucket,
            accessKeyId: store.accessKeyId,
            secretAccessKey: store.secretAccessKey,
          },
        }),
  };
  const places = { profileFolder: folder, demoFolder: folder };
  const home = path.join(folder, 'home');
  const { demoFolder } = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  await mkdir(demoFolder, { recursive: true });
  for (const each of [folder, demoFolder]) await writeDemoSecrets(each, secrets);
  const consoles: Console[] = [];
  const sessions: pg.Client[] = [];
  const session = async ({
    user,
    password,
  }: {
    readonly user: string;
    readonly password: string;
  }): Promise<pg.Client> => {
    const client = new pg.Client({
      host: shared.host,
      port: shared.port,
      database,
      user,
      password,
      ssl: false,
    });
    // A session the test ends from outside must not end the test.
    client.on('error', () => undefined);
    await client.connect();
    sessions.push(client);
    return client;
  };
  const desk: TestDesk = {
    host: shared.host,
    port: shared.port,
    database,
    secrets,
    folder,
    home,
    bucket: store,
    async signIn(role, pace) {
      const console = plainConsole(places, pace);
      consoles.push(console);
      await expectDone(console, 'session.signIn', { profile: `demo:${role}` });
      return console;
    },
    console() {
      const console = plainConsole(places);
      consoles.push(console);
      return console;
    },
    bare: (role) => session(secrets.logins[role]),
    bareSuperuser: () => session(shared.superuser),
    superuser: (work) => withSuperuser(server, database, work),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(consoles.map((each) => each.close()));
      await Promise.allSettled(sessions.map((each) => each.end()));
      await store?.stop();
      await withSuperuser(server, 'postgres', async ({ query }) => {
        await query(`drop database if exists ${database} with (force)`);
      });
      await rm(folder, { recursive: true, force: true });
    },
  };
  return desk;
}
