import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectStoreKeys, ObjectStoreUse } from '#core/keychain/index.ts';

export type KeychainStep =
  | { readonly do: 'probe' }
  | { readonly do: 'forget' | 'get password' | 'delete password'; readonly profile: string }
  | { readonly do: 'set password'; readonly profile: string; readonly secret: string }
  | { readonly do: 'get keys'; readonly profile: string; readonly use: ObjectStoreUse }
  | {
      readonly do: 'set keys';
      readonly profile: string;
      readonly use: ObjectStoreUse;
      readonly keys: ObjectStoreKeys;
    };

export type KeychainAnswer =
  { readonly value: unknown } | { readonly code: string; readonly message: string; readonly whole: string };

/** A keyring in a folder of its own, so that no test touches the person's. */
export interface TestKeyring {
  readonly folder: string;
  /**
   * Runs the steps in a new process. `unlocked`: a fresh session bus with a Secret Service whose keyring is open;
   * `locked`: the same, but the keyring was given a wrong password; `no bus`: nothing at all.
   */
  run(
    session: 'unlocked' | 'locked' | 'no bus',
    steps: readonly KeychainStep[],
  ): Promise<readonly KeychainAnswer[]>;
  remove(): Promise<void>;
}

/** Why no Secret Service can be started here, `null` when one can. */
export function secretServiceMissing(): string | null {
  if (process.platform !== 'linux') return 'the Secret Service is the keychain of Linux only';
  const missing = ['dbus-run-session', 'gnome-keyring-daemon'].filter((command) => {
    try {
      execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return null;
  return `${missing.join(' and ')} not found; install with: apt-get install gnome-keyring dbus-daemon`;
}

export async function makeKeyring(): Promise<TestKeyring> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudsingh-keyring-'));
  const data = join(folder, 'data');
  const runtime = join(folder, 'runtime');
  await mkdir(data, { mode: 0o700 });
  await mkdir(runtime, { mode: 0o700 });
  const script = fileURLToPath(new URL('keychainProcess.ts', import.meta.url));
  const unlock =
    'printf %s "$TEST_KEYRING_PASSWORD" | gnome-keyring-daemon --unlock --components=secrets >&2';
  return {
    folder,
    async run(session, steps) {
      const env = {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        XDG_DATA_HOME: data,
        XDG_RUNTIME_DIR: runtime,
        TEST_STEPS: JSON.stringify(steps),
        TEST_KEYRING_PASSWORD: session === 'unlocked' ? 'right' : 'wrong',
      };
      const node = [process.execPath, '--no-warnings', script] as const;
      const answer =
        session === 'no bus'
          ? await output(node[0], node.slice(1), env)
          : await output('dbus-run-session', ['--', 'sh', '-c', `${unlock}; exec "$@"`, 'sh', ...node], env);
      return JSON.parse(answer) as KeychainAnswer[];
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function output(
  command: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, parameters, { env }, (error, said, complained) => {
      if (error === null) resolve(said);
      else reject(new Error(`${command} failed: ${complained}`, { cause: error }));
    });
  });
}
