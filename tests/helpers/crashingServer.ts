import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { watch } from '#demo/watchdog.ts';

/** A PostgreSQL that is killed as a power cut would end it, and comes up again where it was. */
export interface CrashingServer {
  /** Kills its first process at once; the others end for want of it. */
  kill(): void;
  /** Starts it again with what it was started with; resolves when it lets people in. */
  startAgain(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function read(dataFolder: string, name: string): Promise<readonly string[]> {
  return readFile(path.join(dataFolder, name), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
}

/** Takes over a running server by its folder; what it is started with again stands in `postmaster.opts`. */
export async function takeOver(dataFolder: string): Promise<CrashingServer> {
  const [started = ''] = await read(dataFolder, 'postmaster.opts');
  const program = started.slice(0, started.indexOf(' "'));
  const options = [...started.matchAll(/"([^"]*)"/g)].map(([, option = '']) => option);
  const { uid, gid } = await stat(dataFolder);
  let pid = Number((await read(dataFolder, 'postmaster.pid'))[0]);
  let own: { readonly forget: () => void; readonly ended: Promise<void> } | null = null;
  return {
    kill() {
      process.kill(pid, 'SIGKILL');
    },
    async startAgain() {
      // Refused while a process of the killed one still has its memory.
      for (let tries = 0; tries < 200; tries += 1) {
        const child = spawn(program, options, {
          cwd: dataFolder,
          env: { LC_ALL: 'C', TZ: 'UTC' },
          ...(process.getuid?.() === 0 ? { uid, gid } : {}),
          stdio: 'ignore',
          detached: true,
        });
        const ended = new Promise<void>((resolve) => {
          child.once('error', () => {
            resolve();
          });
          child.once('exit', () => {
            resolve();
          });
        });
        own?.forget();
        own = { forget: watch({ process: child.pid ?? 0 }), ended };
        let isUp = true;
        void ended.then(() => {
          isUp = false;
        });
        while (isUp) {
          const lines = await read(dataFolder, 'postmaster.pid');
          if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') {
            pid = child.pid ?? 0;
            return;
          }
          await wait(20);
        }
        await wait(50);
      }
      throw new Error('PostgreSQL did not come up again.');
    },
    async [Symbol.asyncDispose]() {
      if (own === null) return;
      process.kill(pid, 'SIGINT');
      await own.ended;
      own.forget();
    },
  };
}
