import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import type { DemoSecrets } from '#core/connections/index.ts';
import { startPlatform } from '#demo/platform.ts';
import { installDemo } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';

/** What the tests of one run share: a filled, installed platform, from which each test takes a copy. */
export interface SharedPlatform {
  readonly host: string;
  readonly port: number;
  /** The database to copy; nobody may be connected to it. */
  readonly template: string;
  readonly superuser: { readonly user: string; readonly password: string };
  readonly secrets: DemoSecrets;
  readonly logFile: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    platform: SharedPlatform;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-tests-'));
  const platform = await startPlatform({
    scale: 'small',
    seed: 1,
    // Off by default; on, so that the attack with a prepared transaction can be tried.
    postgresSettings: { max_prepared_transactions: '10' },
  });
  const secrets = await installDemo(platform, { profileFolder: folder, demoFolder: folder });
  // A login's limit counts over the whole server, where all tests sign in as the same five.
  await withSuperuser(platform, 'postgres', async ({ query }) => {
    for (const { user } of Object.values(secrets.logins))
      await query(`alter role ${user} connection limit 60`);
  });
  project.provide('platform', {
    host: platform.host,
    port: platform.port,
    template: platform.database,
    superuser: platform.superuser,
    secrets,
    logFile: platform.postgres.logFile,
  });
  return async () => {
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
