import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { DemoSecrets } from '#core/connections/index.ts';
import type { Console } from '#core/console.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { expectDone, installDemo, plainConsole, type Pace } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import type { TestDesk } from './testDesk.ts';

/** A database of a cluster of its own; its bucket is the platform's. */
export type ClusterDesk = Omit<TestDesk, 'home' | 'bucket' | 'bareSuperuser'>;

/** A cluster of this test's own, since roles belong to all databases of one: for what adds, drops or compares them. */
export interface OwnCluster extends ClusterDesk {
  readonly platform: Platform;
  /** The same server, another database and other consoles; installed or not. */
  at(database: string): Promise<ClusterDesk>;
}

/** Starts a filled platform in a cluster of its own; `install` runs between the start and the first sign-in. */
export async function openCluster(options: {
  readonly binFolder?: string;
  /** Called with the bare platform, before the console is installed and its staff added. */
  readonly before?: (platform: Platform) => Promise<void>;
}): Promise<OwnCluster> {
  const platform = await startPlatform({
    scale: 'small',
    seed: 1,
    ...(options.binFolder === undefined ? {} : { binFolder: options.binFolder }),
  });
  const ending: (() => Promise<unknown>)[] = [() => platform.stop()];
  const end = async (): Promise<void> => {
    for (const step of ending.splice(0).reverse()) await step();
  };
  try {
    await options.before?.(platform);
    const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-cluster-'));
    ending.push(() => rm(folder, { recursive: true, force: true }));
    const secrets = await installDemo(platform, { profileFolder: folder, demoFolder: folder });
    const desk = (database: string, place: string, its: DemoSecrets): ClusterDesk => {
      const consoleOf = (pace?: Pace): Console => {
        const console = plainConsole({ profileFolder: place, demoFolder: place }, pace);
        ending.push(() => console.close());
        return console;
      };
      return {
        host: platform.host,
        port: platform.port,
        database,
        secrets: its,
        folder: place,
        async signIn(role, pace) {
          const console = consoleOf(pace);
          await expectDone(console, 'session.signIn', { profile: `demo:${role}` });
          return console;
        },
        console: () => consoleOf(),
        async bare(role) {
          const { user, password } = its.logins[role];
          const client = new pg.Client({
            host: platform.host,
            port: platform.port,
            database,
            user,
            password,
            ssl: false,
          });
          client.on('error', () => undefined);
          await client.connect();
          ending.push(() => client.end().catch(() => undefined));
          return client;
        },
        superuser: (work) => withSuperuser(platform, database, work),
        [Symbol.asyncDispose]: end,
      };
    };
    return {
      ...desk(platform.database, folder, secrets),
      platform,
      async at(database) {
        const place = await mkdtemp(path.join(tmpdir(), 'privacy-console-cluster-'));
        ending.push(() => rm(place, { recursive: true, force: true }));
        const its = { ...secrets, database };
        await writeDemoSecrets(place, its);
        return desk(database, place, its);
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
