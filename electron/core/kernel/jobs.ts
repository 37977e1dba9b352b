import { randomUUID } from 'node:crypto';
import type { Job } from '#shared/contract/workstation.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { failureOf } from './dispatch.ts';
import { cancelled, ExpectedError } from './errors.ts';
import type { Log } from './log.ts';

/** What a job tells of its progress. */
export type Progress = (says: string, done: number, total: number | null) => void;

/** `turn` resolves when as few jobs of this kind are at work that this one may begin; it then counts until its end. */
type Work = (
  progress: Progress,
  signal: AbortSignal,
  turn: () => Promise<void>,
) => Promise<Readonly<Record<string, unknown>>>;

export interface Jobs {
  /** Starts long work; its end and progress come as events. Gives the job's id. */
  start(kind: Job['kind'], requestId: number | null, work: Work): string;
  list(): readonly Job[];
  wait(id: string): Promise<Job>;
  cancel(id: string): void;
  /** How many are running or waiting for their turn. */
  running(): number;
  /** Cancels all and waits for them to end. */
  close(): Promise<void>;
}

interface Running {
  job: Job;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** How many finished jobs are remembered. */
const kept = 50;

/** Keeps the jobs of this console. `atOnce`: how many of a kind work at the same time; the others wait in their order. */
export function createJobs(
  log: Log,
  onChange: (job: Job) => void,
  atOnce: Partial<Readonly<Record<Job['kind'], number>>> = {},
): Jobs {
  const turns = new Map(Object.entries(atOnce).map(([kind, places]) => [kind, createTurns(places)] as const));
  const jobs = new Map<string, Running>();
  const find = (id: string): Running => {
    const found = jobs.get(id);
    if (found === undefined)
      throw new ExpectedError('not_found', 'There is no such job on this workstation.');
    return found;
  };
  return {
    start(kind, requestId, work) {
      const id = randomUUID();
      const controller = new AbortController();
      let lastTold = 0;
      const change = (changed: Partial<Job>): void => {
        const running = jobs.get(id);
        if (running === undefined) return;
        running.job = { ...running.job, ...changed };
        onChange(running.job);
      };
      const progress: Progress = (says, done, total) => {
        const running = jobs.get(id);
        if (running === undefined || !isUnderWay(running.job)) return;
        running.job = { ...running.job, progress: { says, done, total } };
        // Ten times a second is all an eye wants.
        const now = performance.now();
        if (now - lastTold < 100) return;
        lastTold = now;
        onChange(running.job);
      };
      const begin = async (): Promise<void> => {
        // The caller knows the job before its first event.
        await Promise.resolve();
        let leave = (): void => undefined;
        const turn = async (): Promise<void> => {
          const place = turns.get(kind)?.take(controller.signal);
          if (place === undefined) return;
          if (!place.isFree) change({ state: 'waiting' });
          leave = await place.taken;
          if (!place.isFree) change({ state: 'running' });
        };
        try {
          const result = await work(progress, controller.signal, turn);
          change({ state: 'done', finishedAt: new Date().toISOString(), result: { ...result } });
        } catch (error) {
          const failure = failureOf(error, kind, log);
          change({
            state: failure.code === 'cancelled' ? 'cancelled' : 'failed',
            finishedAt: new Date().toISOString(),
            failure: { ...failure },
          });
        } finally {
          leave();
        }
        const finished = [...jobs].filter(([, each]) => !isUnderWay(each.job));
        for (const [old] of finished.slice(0, Math.max(0, finished.length - kept))) jobs.delete(old);
      };
      const job: Job = {
        id,
        kind,
        requestId,
        state: 'running',
        startedAt: new Date().toISOString(),
        finishedAt: null,
        progress: { says: '', done: 0, total: null },
        result: null,
        failure: null,
      };
      jobs.set(id, { job, controller, ended: begin() });
      onChange(job);
      return id;
    },
    list: () => [...jobs.values()].map((each) => each.job).reverse(),
    async wait(id) {
      const running = find(id);
      await running.ended;
      return running.job;
    },
    cancel(id) {
      find(id).controller.abort(cancelled());
    },
    running: () => [...jobs.values()].filter((each) => isUnderWay(each.job)).length,
    async close() {
      for (const each of jobs.values()) if (isUnderWay(each.job)) each.controller.abort(cancelled());
      await Promise.all([...jobs.values()].map((each) => each.ended));
    },
  };
}

interface Place {
  /** Whether it was to be had at once. */
  readonly isFree: boolean;
  /** Gives what leaves it again; rejects with the signal's reason. */
  readonly taken: Promise<() => void>;
}

/** So many places, given in the order in which they were asked for. */
function createTurns(places: number): { take(signal: AbortSignal): Place } {
  let free = places;
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    take(signal) {
      if (free > 0) {
        free -= 1;
        return { isFree: true, taken: Promise.resolve(leave) };
      }
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const called = (): void => {
        signal.removeEventListener('abort', gone);
        resolve(leave);
      };
      const gone = (): void => {
        waiting.splice(waiting.indexOf(called), 1);
        reject(signal.reason as Error);
      };
      waiting.push(called);
      signal.addEventListener('abort', gone, { once: true });
      return { isFree: false, taken: promise };
    },
  };
}
