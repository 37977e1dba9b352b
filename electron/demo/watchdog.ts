import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * What has to end or go when this process dies without a chance to tidy up
 * (SIGKILL, a crash, a closed terminal). A small child holds the other end of
 * a pipe; when the pipe closes, the child ends the listed processes and
 * removes the listed files and folders.
 */
export interface Watched {
  /** Process to end: first politely, then by force. */
  readonly process?: number;
  /** File or folder to remove once the process is gone. */
  readonly path?: string;
}

let child: ChildProcess | undefined;

function watchdog(): ChildProcess {
  if (child !== undefined) return child;
  // Detached: a Ctrl-C in the terminal must reach this process only, which then stops everything in order.
  const started = spawn(process.execPath, [fileURLToPath(new URL('./watchdogProcess.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  started.on('exit', () => {
    if (child === started) child = undefined;
  });
  started.on('error', () => undefined);
  started.stdin.on('error', () => undefined);
  started.unref();
  // A pipe to a child keeps the event loop alive unless told otherwise.
  (started.stdin as unknown as { unref?: () => void }).unref?.();
  child = started;
  return started;
}

function tell(order: 'watch' | 'forget', watched: Watched): void {
  watchdog().stdin?.write(`${JSON.stringify({ order, ...watched })}\n`);
}

/** Puts something under watch; the returned function takes it off again. */
export function watch(watched: Watched): () => void {
  tell('watch', watched);
  return () => {
    tell('forget', watched);
  };
}
