import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Counts, countsFileVariable, makeTally, readCounts, type RunnerEnd } from './counts.ts';

/** One program that is run and counted. */
export interface Runner {
  readonly name: string;
  /** The script that this Node runs. */
  readonly script: string;
  readonly args: readonly string[];
  /** Whether it writes its own counts; otherwise its exit code is its one outcome. */
  readonly counts: boolean;
  /** Longest time it may take, in milliseconds; a run that hangs counts as failed. */
  readonly timeLimit: number;
}

/** Time between asking a runner to end and ending it, in milliseconds. */
const grace = 10_000;

/** Runs a runner to its end, its output streamed, and gives its counts. `folder` is for its counts file. */
export async function countRunner(runner: Runner, folder: string, stop: AbortSignal): Promise<Counts> {
  const file = join(folder, `${runner.name}.json`);
  const end = await runToEnd(runner, file, stop);
  if (runner.counts) return readCounts(runner.name, file, end);
  const tally = makeTally();
  if (end.code === 0 && end.stopped === undefined) tally.pass();
  else tally.fail(`${runner.name}: ${end.stopped ?? `exit code ${String(end.code)}`}`);
  return tally.counts();
}

async function runToEnd(runner: Runner, file: string, stop: AbortSignal): Promise<RunnerEnd> {
  if (stop.aborted) return { code: null, stopped: 'not started, the run was stopped' };
  // A process group of its own, so that all that a runner started can be ended with it.
  const ownGroup = process.platform !== 'win32';
  const child = spawn(process.execPath, [runner.script, ...runner.args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [countsFileVariable]: file },
    detached: ownGroup,
  });
  const signalAll = (signal: NodeJS.Signals): void => {
    try {
      if (ownGroup && child.pid !== undefined) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // Already gone.
    }
  };
  let stopped: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const end = (why: string): void => {
    stopped ??= why;
    signalAll('SIGTERM');
    killTimer ??= setTimeout(() => {
      signalAll('SIGKILL');
    }, grace);
  };
  const limitTimer = setTimeout(() => {
    end(`took longer than ${String(runner.timeLimit / 60_000)} minutes`);
  }, runner.timeLimit);
  const onStop = (): void => {
    end('stopped from outside');
  };
  stop.addEventListener('abort', onStop);
  try {
    return await new Promise((resolve) => {
      child.on('error', (error) => {
        resolve({ code: null, stopped: error.message });
      });
      child.on('exit', (code, signal) => {
        resolve({ code, stopped: stopped ?? (signal === null ? undefined : `ended by ${signal}`) });
      });
    });
  } finally {
    clearTimeout(limitTimer);
    clearTimeout(killTimer);
    stop.removeEventListener('abort', onStop);
    if (ownGroup && child.pid !== undefined) await endGroup(child.pid);
  }
}

/** What a runner leaves behind gets a moment to end by itself (servers that notice it), but does not outlive the run. */
async function endGroup(group: number): Promise<void> {
  const deadline = Date.now() + grace;
  while (groupLives(group) && Date.now() < deadline) await pause(100);
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // No process of the group is left.
  }
}

function groupLives(group: number): boolean {
  // The signal also finds dead processes that their new parent has not yet noticed; Linux says which they are.
  if (process.platform === 'linux') {
    return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && livesInGroup(entry, group));
  }
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

function livesInGroup(process: string, group: number): boolean {
  try {
    // After the name in brackets, which may hold anything: state, parent, group.
    const [state, , found] = readFileSync(`/proc/${process}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return found === String(group) && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}
