import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

/** A browser that can show the console's window. */
export interface Browser {
  readonly executablePath: string;
  /** Where it came from, in words. */
  readonly origin: string;
  /** What it needs in its environment to run. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it can open a window on a display. */
  readonly canShow: boolean;
}

/**
 * Finds a browser: the one the environment names (PRIVACY_CONSOLE_BROWSER), the machine's Chromium or Chrome, else Playwright's own, else the
 * one inside an npm package. Throws when the machine has none and the package can't run there.
 *
 * @param projectFolder where node_modules is; the packed browser is unpacked below it once
 */
export async function findBrowser(projectFolder: string): Promise<Browser> {
  const named = process.env['PRIVACY_CONSOLE_BROWSER'];
  if (named === 'packed') return await packedBrowser(projectFolder);
  const plain = { environment: {}, canShow: true } as const;
  if (named !== undefined && named !== '') return { ...plain, executablePath: named, origin: named };
  const own = await onThisMachine();
  if (own !== undefined) return { ...plain, executablePath: own, origin: `this machine's ${own}` };
  const ofPlaywright = chromium.executablePath();
  if (existsSync(ofPlaywright))
    return { ...plain, executablePath: ofPlaywright, origin: "Playwright's Chromium" };
  return await packedBrowser(projectFolder);
}

async function onThisMachine(): Promise<string | undefined> {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe'];
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    ...usualPlaces(),
  ];
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
}

function usualPlaces(): string[] {
  if (process.platform === 'darwin') {
    return [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ];
  }
  if (process.platform !== 'win32') return [];
  const roots = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap(
    (name) => process.env[name] ?? [],
  );
  return roots.flatMap((root) => [
    join(root, 'Google/Chrome/Application/chrome.exe'),
    join(root, 'Microsoft/Edge/Application/msedge.exe'),
  ]);
}

const packageName = '@sparticuz/chromium';

async function packedBrowser(projectFolder: string): Promise<Browser> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('There is no Chromium or Chrome on this machine; install one and start again.');
  }
  const folder = await unpack(projectFolder);
  const libraries = join(folder, 'al2023', 'lib');
  return {
    executablePath: join(folder, 'chromium'),
    origin: `the Chromium in the npm package ${packageName}`,
    // It is built without windows.
    canShow: false,
    environment: {
      LD_LIBRARY_PATH: libraries,
      FONTCONFIG_FILE: await writeFontConfiguration(folder),
    },
  };
}

/** Unpacks the packed browser once into a folder of this checkout, complete or not at all. */
async function unpack(projectFolder: string): Promise<string> {
  const cache = join(projectFolder, 'node_modules', '.cache');
  const done = join(cache, 'chromium-153');
  if (existsSync(done)) return done;
  const canCache = await mkdir(cache, { recursive: true }).then(
    () => access(cache, constants.W_OK).then(() => true),
    () => false,
  );
  // Never the package's own fixed folder: on a shared machine anybody could have planted a browser there.
  const folder = await mkdtemp(join(canCache ? cache : tmpdir(), 'chromium-unpacking-'));
  await runUnpacking(folder);
  await chmod(folder, 0o755);
  await chmod(join(folder, 'chromium'), 0o755);
  if (!canCache) return folder;
  try {
    await rename(folder, done);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    // Another run was faster.
    if (!existsSync(done)) throw error;
  }
  return done;
}

/** In a process of its own, because the package reads TMPDIR and AWS_EXECUTION_ENV when it is imported and changes the environment. */
async function runUnpacking(folder: string): Promise<void> {
  const program = `import chromium from '${packageName}'; await chromium.executablePath();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    // Without a named runtime of that kind it leaves out libnss3 and its like.
    env: { PATH: process.env['PATH'], TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${packageName} could not be unpacked into ${folder}.`));
    });
  });
}

/** The package's own configuration names a fixed folder, and without any font text has no size. */
async function writeFontConfiguration(folder: string): Promise<string> {
  const file = join(folder, 'fonts-of-this-folder.conf');
  if (existsSync(file)) return file;
  const draft = `${file}.${String(process.pid)}`;
  await writeFile(
    draft,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(folder, 'fonts')}</dir><dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir>
<cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n`,
  );
  await rename(draft, file);
  return file;
}
