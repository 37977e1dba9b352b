import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** What tests judge with from outside, found on the machine or installed where that is allowed. */
export const prerequisites = {
  psql: { packages: ['postgresql-client'], use: 'the attacks with psql' },
  unzip: { packages: ['unzip'], use: 'the judgement of packages from outside' },
  openssl: { packages: ['openssl'], use: 'the certificates of the TLS tests' },
  sshKeygen: { packages: ['openssh-client'], use: 'the judgement of signatures from outside' },
  python: { packages: ['python3'], use: 'a reader of packages that knows nothing of the program' },
  age: { packages: ['age'], use: 'the judgement of encrypted packages from outside' },
  secretService: {
    packages: ['gnome-keyring', 'dbus-daemon'],
    use: 'the keychain tests against a real Secret Service',
  },
  oldPostgres: {
    packages: ['postgresql'],
    use: 'the guard tests on the oldest PostgreSQL that Debian offers here',
  },
  browser: { packages: ['chromium'], use: 'the journeys in the window' },
} as const satisfies Record<string, { readonly packages: readonly string[]; readonly use: string }>;

export type Prerequisite = keyof typeof prerequisites;

const names = Object.keys(prerequisites) as readonly Prerequisite[];

/** Longest time apt may take altogether, in milliseconds. */
const aptTimeLimit = 6 * 60_000;

/** The folder of the programs of the oldest PostgreSQL server from Debian's packages; `null` without one. */
export function oldestPostgres(): { readonly version: number; readonly binaries: string } | null {
  const folder = '/usr/lib/postgresql';
  if (!existsSync(folder)) return null;
  const versions = readdirSync(folder)
    .map(Number)
    .filter((version) => existsSync(join(folder, String(version), 'bin/initdb')))
    .sort((one, other) => one - other);
  const [version] = versions;
  return version === undefined ? null : { version, binaries: join(folder, String(version), 'bin') };
}

/** Whether a prerequisite is there, asked of the machine each time. */
export function isThere(name: Prerequisite): boolean {
  switch (name) {
    case 'psql':
    case 'unzip':
    case 'openssl':
    case 'age':
      return onPath(name);
    case 'python':
      return onPath('python3');
    case 'sshKeygen':
      return onPath('ssh-keygen');
    case 'secretService':
      // macOS and Windows have a keychain of their own; their tests don't need this one.
      return process.platform !== 'linux' || (onPath('gnome-keyring-daemon') && onPath('dbus-run-session'));
    case 'oldPostgres':
      return oldestPostgres() !== null;
    case 'browser':
      // Only on other Linux machines must there be one: an npm package brings a Chromium for linux-x64,
      // and macOS and Windows run the real Electron.
      return (
        process.platform !== 'linux' ||
        process.arch === 'x64' ||
        ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].some(onPath)
      );
  }
}

export function missingPrerequisites(): readonly Prerequisite[] {
  return names.filter((name) => !isThere(name));
}

/**
 * Skips a test that can't be judged here, saying why. In CI nothing is
 * skipped for want of a tool: there it fails.
 */
export function need(
  context: { skip: (note?: string) => unknown },
  ...needed: readonly Prerequisite[]
): void {
  const missing = needed.filter((name) => !isThere(name));
  if (missing.length === 0) return;
  const packages = missing.flatMap((name) => prerequisites[name].packages);
  const why = `needs ${packages.join(', ')}: ${installCommand(packages)}`;
  if (inContinuousIntegration()) throw new Error(why);
  context.skip(why);
}

export function inContinuousIntegration(): boolean {
  return process.env['CI'] === 'true' || process.env['CI'] === '1';
}

/**
 * Installs what is missing where this may be done (root on Debian and its
 * kin), within a time limit and without starting a database server. Gives
 * what is still missing, having said it in one line with the command to run.
 */
export async function installPrerequisites(
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<readonly Prerequisite[]> {
  const wanted = missingPrerequisites();
  if (wanted.length === 0) return [];
  const packages = wanted.flatMap((name) => prerequisites[name].packages);
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say(`Installing ${packages.join(', ')} with apt-get …`);
    const problem = await aptInstall(packages, stop);
    if (problem !== null) say(`apt-get could not install them: ${problem}`);
  }
  const missing = missingPrerequisites();
  if (missing.length > 0) {
    const uses = missing.map((name) => prerequisites[name].use).join(', ');
    const still = missing.flatMap((name) => prerequisites[name].packages);
    say(`Missing for ${uses}: ${installCommand(still)}`);
  }
  return missing;
}

function installCommand(packages: readonly string[]): string {
  const list = packages.join(' ');
  return onPath('apt-get')
    ? `sudo apt-get install --no-install-recommends ${list}`
    : `install what Debian calls ${list}`;
}

/** Whether a program can be found and run. */
export function onPath(program: string): boolean {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program + suffix), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function aptInstall(packages: readonly string[], stop: AbortSignal): Promise<string | null> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(aptTimeLimit)]);
  const leaveServersStopped = packages.includes('postgresql') ? await preventCluster() : null;
  try {
    const install = ['install', '--yes', '--quiet', '--no-install-recommends', ...packages];
    if (!hasPackageLists()) {
      const problem = await apt(['update', '--quiet'], signal);
      if (problem !== null) return problem;
      return await apt(install, signal);
    }
    if ((await apt(install, signal)) === null) return null;
    // Old lists name versions that the mirror no longer has.
    return (await apt(['update', '--quiet'], signal)) ?? (await apt(install, signal));
  } finally {
    await leaveServersStopped?.();
  }
}

function hasPackageLists(): boolean {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => /_Packages(?:\.|$)/.test(name));
}

/** Runs apt-get without questions; gives its last line of complaint when it fails. */
async function apt(args: readonly string[], signal: AbortSignal): Promise<string | null> {
  return await new Promise((resolve) => {
    const child = spawn('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
      signal,
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      resolve(signal.aborted ? 'stopped or out of time' : error.message);
    });
    child.on('close', (code) => {
      resolve(code === 0 ? null : (output.trim().split('\n').at(-1) ?? `exit code ${String(code)}`));
    });
  });
}

/**
 * Debian's server package makes and starts a cluster on port 5432 when it is
 * installed. Tests want its programs only. Its own setting against that is put
 * in place, and the original afterwards.
 */
async function preventCluster(): Promise<() => Promise<void>> {
  const folder = '/etc/postgresql-common';
  const setting = join(folder, 'createcluster.conf');
  if (existsSync(setting)) return async () => {};
  await mkdir(folder, { recursive: true });
  await writeFile(setting, 'create_main_cluster = false\n');
  return async () => {
    const original = '/usr/share/postgresql-common/createcluster.conf';
    if (existsSync(original)) await copyFile(original, setting);
    else await rm(setting);
  };
}
