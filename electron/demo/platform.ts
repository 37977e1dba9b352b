import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { copyTree, makeRunFolder, reachableByServer } from './folders.ts';
import { startObjectStore, type ObjectStore } from './objectStore.ts';
import { platformDatabase } from './platformSchema.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';
import { fillPlatform, fillSettings, type Scale } from './seed.ts';
import { quoteName, withSuperuser } from './superuser.ts';
import { watch } from './watchdog.ts';

export type { Scale } from './seed.ts';

export interface PlatformOptions {
  readonly scale: Scale;
  /** Other seeds give other people; the same seed gives the same rows. */
  readonly seed: number;
  /** Where filled platforms are kept between runs; without it the user's cache folder. */
  readonly cacheFolder?: string;
  /** Folder of other PostgreSQL binaries (14 or later) than the embedded ones; kept apart in the cache. */
  readonly binFolder?: string;
  /** Server settings besides the defaults, as `-c name=value`. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
}

/** A running platform: PostgreSQL and R2 on loopback, filled with made-up people. */
export interface Platform {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly superuser: { readonly user: string; readonly password: string };
  readonly r2: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly scale: Scale;
  readonly seed: number;
  readonly postgres: PostgresServer;
  readonly objectStore: ObjectStore;
  /** Whether it came out of the cache rather than being made now. */
  readonly fromCache: boolean;
  /**
   * Makes a further database with the same rows in the same server, in a
   * fraction of a second at scale small. The original must have no other
   * session at that moment. The bucket is shared.
   */
  fresh(database: string): Promise<string>;
  /** Ends everything and removes what was temporary. Can be called twice. */
  stop(): Promise<void>;
}

export const mediaBucket = 'cloudsingh-media';

/** How many filled platforms the cache keeps; each small one takes some 200 MB. */
const keptInCache = 4;

const sources = ['platformSchema.ts', 'seed.ts', 'people.ts', 'mediaBytes.ts', 'postgres.ts'];

/** Name of the cache entry: changes with whatever the rows depend on. */
async function cacheName({ scale, seed, binFolder }: PlatformOptions): Promise<string> {
  const hash = createHash('sha256');
  if (binFolder !== undefined) hash.update(`${binFolder}\n`);
  for (const name of sources) hash.update(await readFile(new URL(`./${name}`, import.meta.url)));
  return `platform-${scale}-${seed}-${hash.digest('hex').slice(0, 16)}`;
}

function userCacheFolder(): string {
  const name = 'cloudsingh-privacy-console';
  // Root's own cache is closed to the server's user; /var/cache belongs to root, so nobody can prepare a folder there.
  if (process.getuid?.() === 0) return path.join('/var/cache', name);
  if (process.platform === 'win32') return path.join(process.env['LOCALAPPDATA'] ?? homedir(), name);
  const configured = process.env['XDG_CACHE_HOME'];
  return path.join(
    configured !== undefined && path.isAbsolute(configured) ? configured : path.join(homedir(), '.cache'),
    name,
  );
}

/** Makes the cache folder or checks the one found: a database somebody else prepared must not be started. */
async function prepareCacheFolder(folder: string): Promise<string> {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  await mkdir(path.dirname(folder), { recursive: true });
  await mkdir(folder, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await assertOwn(folder);
  if (process.platform !== 'win32') await chmod(folder, mode);
  if (!(await reachableByServer(folder))) {
    throw new Error(
      `The cache folder ${folder} cannot be reached by the user the database runs as; name another one.`,
    );
  }
  return folder;
}

async function assertOwn(folder: string): Promise<void> {
  const found = await lstat(folder);
  const foreign =
    process.getuid !== undefined && (found.uid !== process.getuid() || (found.mode & 0o022) !== 0);
  if (!found.isDirectory() || foreign) {
    throw new Error(`The cache folder ${folder} is not this user's own; remove it or name another one.`);
  }
}

async function exists(entry: string): Promise<boolean> {
  return lstat(entry).then(
    () => true,
    () => false,
  );
}

/** Fills a platform in a folder beside its final place and moves it there whole; a faster twin's result is as good. */
async function build(folder: string, { scale, seed, binFolder }: PlatformOptions): Promise<void> {
  const building = `${folder}.${randomBytes(6).toString('hex')}`;
  const forget = watch({ path: building });
  try {
    await mkdir(building, { mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    const binaries = binFolder === undefined ? {} : { binFolder };
    const [server, store] = await Promise.allSettled([
      startPostgres({
        dataFolder: path.join(building, 'postgres'),
        settings: fillSettings(scale),
        ...binaries,
      }),
      startObjectStore({ folder: path.join(building, 'objects'), bucket: mediaBucket }),
    ]);
    try {
      if (server.status === 'rejected') throw server.reason;
      if (store.status === 'rejected') throw store.reason;
      await fillPlatform(server.value, store.value, { scale, seed });
    } finally {
      for (const started of [server, store]) if (started.status === 'fulfilled') await started.value.stop();
    }
    await rename(building, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true, maxRetries: 5 });
    forget();
  }
}

/** Removes all but the newest entries; one used within the last hour may be being copied and stays. */
async function prune(cacheFolder: string, keep: string): Promise<void> {
  const entries: { readonly name: string; readonly used: number }[] = [];
  for (const name of await readdir(cacheFolder)) {
    if (!/^platform-small-\d+-[0-9a-f]{16}$/.test(name) || name === keep) continue;
    const { mtimeMs } = await lstat(path.join(cacheFolder, name));
    entries.push({ name, used: mtimeMs });
  }
  entries.sort((one, other) => other.used - one.used);
  for (const { name, used } of entries.slice(keptInCache - 1)) {
    if (Date.now() - used < 3_600_000) continue;
    await rm(path.join(cacheFolder, name), { recursive: true, force: true });
  }
}

function alive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Takes an entry for this process alone; a lock left by a process that is gone is taken over. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const file = `${folder}.lock`;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if (holder > 0 && alive(holder)) break;
      await rm(file, { force: true });
    }
  }
  throw new Error(
    'The large platform is in use by another process; it is too big to copy, so wait until that one has stopped.',
  );
}

/**
 * Starts the platform. The first time for a scale and seed it is made from
 * nothing and kept; later starts work on a copy. Scale large is not copied but
 * used in place, by one process at a time, and keeps what is done to it.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { scale, seed } = options;
  const cacheFolder = await prepareCacheFolder(options.cacheFolder ?? userCacheFolder());
  const name = await cacheName(options);
  const entry = path.join(cacheFolder, name);
  const binaries = options.binFolder === undefined ? {} : { binFolder: options.binFolder };
  const inPlace = scale === 'large';
  const fromCache = await exists(entry);
  const cleanUp: (() => Promise<void>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  };
  try {
    if (inPlace) cleanUp.push(await lock(entry));
    if (!fromCache) {
      await build(entry, options);
      await prune(cacheFolder, name);
    }
    await assertOwn(entry);
    const now = new Date();
    await utimes(entry, now, now);
    let folder = entry;
    if (!inPlace) {
      folder = await makeRunFolder();
      const forget = watch({ path: folder });
      cleanUp.push(async () => {
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
        forget();
      });
    }
    const part = async (name: 'postgres' | 'objects'): Promise<string> => {
      const target = path.join(folder, name);
      if (!inPlace) await copyTree(path.join(entry, name), target);
      return target;
    };
    const [server, store] = await Promise.allSettled([
      part('postgres').then((dataFolder) =>
        startPostgres({ dataFolder, settings: options.postgresSettings ?? {}, ...binaries }),
      ),
      part('objects').then((objects) => startObjectStore({ folder: objects, bucket: mediaBucket })),
    ]);
    for (const started of [server, store])
      if (started.status === 'fulfilled') cleanUp.push(() => started.value.stop());
    if (server.status === 'rejected') throw server.reason;
    if (store.status === 'rejected') throw store.reason;
    const postgres = server.value;
    const { endpoint, bucket, accessKeyId, secretAccessKey } = store.value;
    let stopped: Promise<void> | undefined;
    return {
      host: postgres.host,
      port: postgres.port,
      database: platformDatabase,
      superuser: postgres.superuser,
      r2: { endpoint, bucket, accessKeyId, secretAccessKey },
      scale,
      seed,
      postgres,
      objectStore: store.value,
      fromCache,
      fresh: (database) => copyDatabase(postgres, platformDatabase, database),
      stop: () => (stopped ??= stopAll()),
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** Makes database `name` as a copy of `template`, owner included; settings and grants on the database itself are not copied. */
export async function copyDatabase(server: PostgresServer, template: string, name: string): Promise<string> {
  await withSuperuser(server, 'postgres', async ({ query }) => {
    const { rows } = await query<{ owner: string; major: number }>(
      `select pg_get_userbyid(datdba) as owner, current_setting('server_version_num')::int / 10000 as major from pg_database where datname = $1`,
      [template],
    );
    const { owner = 'postgres', major = 18 } = rows[0] ?? {};
    // Before 15, copying files was the only way.
    const strategy = major >= 15 ? ' strategy file_copy' : '';
    await query(
      `create database ${quoteName(name)} template ${quoteName(template)} owner ${quoteName(owner)}${strategy}`,
    );
  });
  return name;
}
