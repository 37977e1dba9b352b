import { fork, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findBrowser } from './browser.ts';
import { settingsVariable, type StandInSettings } from './standIn/control.ts';

const projectFolder = join(import.meta.dirname, '../..');

/** What shows the console's window. */
export type Shell =
  | { readonly kind: 'electron'; readonly executable: string; readonly says: string; readonly canShow: true }
  | {
      readonly kind: 'standIn';
      readonly settings: Omit<StandInSettings, 'headless' | 'debug'>;
      readonly says: string;
      readonly canShow: boolean;
    };

/** Real Electron if its binary is there, else the stand-in with a browser it can use. */
export async function findShell(): Promise<Shell> {
  const executable = electronBinary();
  if (executable !== undefined) {
    return { kind: 'electron', executable, says: `real Electron (${executable})`, canShow: true };
  }
  const browser = await findBrowser(projectFolder);
  return {
    kind: 'standIn',
    settings: { executablePath: browser.executablePath, environment: browser.environment },
    says: `the stand-in for Electron, whose binary is not here, with ${browser.origin}`,
    canShow: browser.canShow,
  };
}

/** Looked for on disk: requiring the package would start a download. */
function electronBinary(): string | undefined {
  const own = join(projectFolder, 'node_modules/electron');
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const pathFile = join(own, 'path.txt');
  const usual = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' } as Record<
    string,
    string
  >;
  const name = existsSync(pathFile)
    ? readFileSync(pathFile, 'utf8').trim()
    : (usual[process.platform] ?? 'electron');
  const file = join(override ?? join(own, 'dist'), name);
  return existsSync(file) ? file : undefined;
}

/** Whether a window could be seen by anybody. */
export function hasDisplay(): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
}

/** The entry of the built program. */
export const builtEntry = join(projectFolder, 'out/main/main.js');

/** Builds the program if it is not built or older than a source. Answers whether it built. */
export async function buildIfStale(): Promise<boolean> {
  if (
    existsSync(builtEntry) &&
    newest('') < statSync(join(projectFolder, 'out/renderer/index.html')).mtimeMs
  ) {
    return false;
  }
  const program = join(projectFolder, 'node_modules/electron-vite/bin/electron-vite.js');
  const child = spawn(process.execPath, [program, 'build', '--logLevel', 'warn'], {
    cwd: projectFolder,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  const code = await ended(child);
  if (code !== 0) throw new Error('The console could not be built; "npm run build" says why.');
  return true;
}

const sources = [
  'electron',
  'renderer',
  'shared',
  'electron.vite.config.ts',
  'package.json',
  'package-lock.json',
];

function newest(path: string): number {
  if (path === '') return Math.max(...sources.map(newest));
  const file = join(projectFolder, path);
  if (!existsSync(file)) return 0;
  const state = statSync(file);
  if (!state.isDirectory()) return state.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => newest(join(path, name))));
}

/** SHA-256 of each built file, by its path below `out/`: what was run can be compared with what an installer holds. */
export function hashBuilt(): Record<string, string> {
  const out = join(projectFolder, 'out');
  const hashes: Record<string, string> = {};
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    hashes[relative(out, file).replaceAll('\\', '/')] = createHash('sha256')
      .update(readFileSync(file))
      .digest('hex');
  }
  return Object.fromEntries(Object.entries(hashes).sort(([one], [other]) => (one < other ? -1 : 1)));
}

export interface StartOptions {
  readonly headless: boolean;
  /** Arguments of the program itself. */
  readonly arguments?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** Starts the built program in a shell for a person. Ends with the returned process. */
export function startShell(shell: Shell, options: StartOptions): ChildProcess {
  const environment = options.environment ?? process.env;
  const given = options.arguments ?? [];
  if (shell.kind === 'electron') {
    return spawn(shell.executable, [...sandboxSwitches(), builtEntry, ...given], {
      env: environment,
      stdio: 'inherit',
    });
  }
  return spawn(process.execPath, [...standInSwitches, builtEntry, ...given], {
    env: withSettings(shell, environment, { headless: options.headless, debug: false }),
    stdio: 'inherit',
  });
}

/** Starts the built program in the stand-in with the channel through which a test drives it. */
export function forkStandIn(shell: Extract<Shell, { kind: 'standIn' }>, options: StartOptions): ChildProcess {
  return fork(builtEntry, [...(options.arguments ?? [])], {
    execArgv: standInSwitches,
    env: withSettings(shell, options.environment ?? process.env, { headless: options.headless, debug: true }),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Electron, too, can't have Chromium's sandbox as root on Linux. */
export function sandboxSwitches(): string[] {
  return process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}

const standInSwitches = ['--import', new URL('./standIn/register.ts', import.meta.url).href];

function withSettings(
  shell: Extract<Shell, { kind: 'standIn' }>,
  environment: NodeJS.ProcessEnv,
  how: Pick<StandInSettings, 'headless' | 'debug'>,
): NodeJS.ProcessEnv {
  const settings: StandInSettings = { ...shell.settings, ...how };
  return { ...environment, [settingsVariable]: JSON.stringify(settings) };
}

/** Answers with the exit code of a process, 1 if a signal ended it. */
export async function ended(child: ChildProcess): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
