import { Worker } from 'node:worker_threads';
import { followFile, type FollowerOrder, type FollowerReport, type ReadContent } from './followerThread.ts';

export type { ReadContent };

/** What was read of a file that was being written. */
export interface FollowedFile {
  readonly bytes: number;
  /** Of all of it, hexadecimal. */
  readonly sha256: string;
  /** Of what stands before, between and after the contents. */
  readonly frameSha256: string;
  /** By where they begin. */
  readonly contents: ReadonlyMap<number, ReadContent>;
}

/** Reads a file from the disk while it is still being written, in a thread of its own, and hashes what it finds there. */
export interface Follower {
  /** From here on stands a content; to be told before it is written. */
  contentBegins(at: number, isDeflated: boolean): void;
  /** To be told before what comes after it is written. */
  contentEnds(at: number): void;
  /** So many bytes lie there by now. */
  written(bytes: number): void;
  /**
   * Reads up to what was written last. `read` is told how many bytes of contents were read so far. Rejects with the
   * system's error, and where a content can't be inflated.
   */
  end(read?: (bytes: number) => void): Promise<FollowedFile>;
  /** Stops reading, whether it came to its end or not. */
  close(): Promise<void>;
}

/** Starts a thread that reads this file, which is there; nothing is read before it is told to. */
export function follow(path: string): Follower {
  // Its text alone: a module of its own would have to be found again in the built program.
  const thread = new Worker(`(${followFile.toString()})()`, { eval: true, workerData: path });
  // A package that was forgotten keeps no program from ending.
  thread.unref();
  const contents = new Map<number, ReadContent>();
  const done = Promise.withResolvers<FollowedFile>();
  // Told to whoever waits for the end.
  done.promise.catch(() => undefined);
  let read = 0;
  let tell: ((bytes: number) => void) | undefined;
  let orders: FollowerOrder[] = [];
  thread.on('message', (report: FollowerReport) => {
    for (const each of report.contents) contents.set(each.from, each);
    ({ read } = report);
    tell?.(read);
    if (report.whole !== null) done.resolve({ ...report.whole, contents });
  });
  thread.on('error', (error) => {
    done.reject(error);
  });
  thread.on('exit', () => {
    done.reject(new Error('reading back was stopped'));
  });

  function send(): void {
    thread.postMessage(orders);
    orders = [];
  }

  return {
    contentBegins(at, isDeflated) {
      orders.push({ at, begins: true, isDeflated });
    },
    contentEnds(at) {
      orders.push({ at, begins: false, isDeflated: false });
    },
    written(bytes) {
      orders.push({ upto: bytes });
      send();
    },
    end(told) {
      tell = told;
      told?.(read);
      orders.push('end');
      // It is waited for from now on.
      thread.ref();
      send();
      return done.promise;
    },
    async close() {
      await thread.terminate();
    },
  };
}
