import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DemoSecrets } from '#core/connections/index.ts';
import type { Console } from '#core/console.ts';
import { migrationHash, migrations } from '#core/database/migrations/index.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import type { Scale } from '#demo/seed.ts';
import { expectDone, installDemo, plainConsole, type DemoPlaces } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { openBareClient, type BareClient } from '#tests/helpers/bareClient.ts';

/** A platform with this program's schema, a console with the operator signed in, and a bare client beside it. */
export interface Bench {
  readonly console: Console;
  /** One connection of the driver, nothing of ours around it: the other side of each figure. */
  readonly bare: BareClient;
  readonly platform: Platform;
  readonly secrets: DemoSecrets;
  /** Where a console of another process finds them. */
  readonly places: DemoPlaces;
  readonly scale: Scale;
  /** How often the quick sides are measured. */
  readonly rounds: number;
  /** Version of the server. */
  readonly version: string;
  /** A further connection with these settings. */
  bareWith(settings: Readonly<Record<string, string>>): Promise<BareClient>;
  /** Says how far the bench is; no part of its result. */
  tell(line: string): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface BenchOptions {
  readonly scale: Scale;
  readonly seed: number;
  readonly rounds: number;
  /** Works in a copy of the platform's database, which goes afterwards: for what can't be undone. */
  readonly copy?: boolean;
}

const owners = ['reader', 'writer', 'trail', 'reaper'].map((name) => `privacy_console_${name}`).join(', ');

/** A demo's budget of searches would end the bench after minutes; this one doesn't. */
const benchSearchesPerHour = 10_000_000;

function tell(line: string): void {
  console.error(line);
}

export async function openPlatform({ scale, seed, rounds, copy = false }: BenchOptions): Promise<Bench> {
  const cleanUp = new AsyncDisposableStack();
  try {
    tell(
      `Starting the ${scale} platform; the first time it is made, which takes some minutes at scale large.`,
    );
    const original = await startPlatform({
      scale,
      seed,
      // As a server with so much in it would have; the default of 128 MB measures the disk's cache.
      ...(scale === 'large' ? { postgresSettings: { shared_buffers: '2GB' } } : {}),
    });
    cleanUp.defer(() => original.stop());
    const platform = copy ? await copyOf(original, cleanUp) : original;
    const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-bench-'));
    cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
    await dropOlder(platform);
    tell('Installing the console’s schema and the indexes it profits from.');
    const places = { profileFolder: folder, demoFolder: folder };
    const secrets = await installDemo(platform, places);
    const before = await raiseBudget(platform);
    cleanUp.defer(() => setBudget(platform, before));
    tell(
      `The budget of searches is ${benchSearchesPerHour} an hour during the bench instead of ${before}; it is taken from as ever.`,
    );
    const bareWith = async (settings: Readonly<Record<string, string>>): Promise<BareClient> => {
      const client = await openBareClient(platform, platform.superuser);
      cleanUp.defer(() => client.end());
      await client.query("set timezone = 'UTC'");
      for (const [name, value] of Object.entries(settings)) {
        await client.query('select set_config($1, $2, false)', [name, value]);
      }
      return client;
    };
    const bare = await bareWith({});
    // What the filling and the indexes left unwritten must not be written while something is measured.
    await bare.query('vacuum (analyze) users, workspaces');
    await bare.query('checkpoint');
    const { rows } = await bare.query<{ version: string }>(
      "select current_setting('server_version') as version",
    );
    const console = plainConsole(places);
    cleanUp.defer(() => console.close());
    await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
    return {
      console,
      bare,
      platform,
      secrets,
      places,
      scale,
      rounds,
      version: rows[0]?.version ?? 'unknown',
      bareWith,
      tell,
      [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
    };
  } catch (error) {
    await cleanUp.disposeAsync();
    throw error;
  }
}

async function copyOf(original: Platform, cleanUp: AsyncDisposableStack): Promise<Platform> {
  const database = await original.fresh(`bench_${randomBytes(6).toString('hex')}`);
  cleanUp.defer(() =>
    withSuperuser(original, 'postgres', async ({ query }) => {
      await query(`drop database ${database} with (force)`);
    }),
  );
  return { ...original, database };
}

/** The large platform keeps what was installed in it: what another version left would be measured instead of this one. */
async function dropOlder(platform: Platform): Promise<void> {
  await withSuperuser(platform, platform.database, async ({ query }) => {
    const { rows } = await query<{ there: boolean }>(
      "select to_regclass('privacy_console.migration') is not null as there",
    );
    if (rows[0]?.there !== true) return;
    const { rows: applied } = await query<{ sha256: string }>(
      'select sha256 from privacy_console.migration order by version',
    );
    if (applied.map((each) => each.sha256).join() === migrations.map(migrationHash).join()) return;
    tell('Another version of the console’s schema is installed; it is removed first.');
    await query('drop schema privacy_console cascade');
    await query(`drop owned by ${owners}`);
  });
}

async function raiseBudget(platform: Platform): Promise<number> {
  return withSuperuser(platform, platform.database, async ({ query }) => {
    const { rows } = await query<{ value: number }>(
      "select value from privacy_console.setting where name = 'searches_per_hour'",
    );
    // A bench that was killed left its own.
    const before = rows[0]?.value === benchSearchesPerHour ? 240 : (rows[0]?.value ?? 240);
    await query("update privacy_console.setting set value = $1 where name = 'searches_per_hour'", [
      benchSearchesPerHour,
    ]);
    // The tokens of a person who searched before refill too slowly otherwise.
    await query("delete from privacy_console.budget where kind = 'searches'");
    return before;
  });
}

async function setBudget(platform: Platform, value: number): Promise<void> {
  await withSuperuser(platform, platform.database, async ({ query }) => {
    await query("update privacy_console.setting set value = $1 where name = 'searches_per_hour'", [value]);
  });
}
