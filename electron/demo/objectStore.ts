import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type {
  FoundObject,
  ObjectStoreAnswer,
  ObjectStoreOrder,
  StoredObject,
} from './objectStoreMessages.ts';

export type { FoundObject, StoredObject } from './objectStoreMessages.ts';

export interface ObjectStoreOptions {
  /** Where the objects are kept; made when it isn't there. */
  readonly folder: string;
  readonly bucket: string;
}

export interface ObjectStore {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Puts objects past S3, for filling. */
  put(objects: readonly StoredObject[]): Promise<void>;
  /** Every object, past S3, for tests that judge what the product did. Reads them all. */
  list(): Promise<readonly FoundObject[]>;
  /** Resolves when the server is gone. Can be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts Cloudflare's own R2 (miniflare) over S3 on loopback, with new random
 * credentials. It runs in a process of its own: miniflare ends its process on
 * SIGINT by itself, which would leave the database no time to stop, and its
 * server outlives a killed parent.
 */
export async function startObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const accessKeyId = randomBytes(16).toString('hex');
  const secretAccessKey = randomBytes(32).toString('hex');
  const child = fork(fileURLToPath(new URL('./objectStoreProcess.ts', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= end(child));
  try {
    const ready = await ask(child, { order: 'start', ...options, accessKeyId, secretAccessKey });
    if (ready.answer !== 'ready') throw new Error('The object store answered out of turn.');
    child.unref();
    return {
      endpoint: ready.endpoint,
      bucket: options.bucket,
      accessKeyId,
      secretAccessKey,
      put: async (objects) => {
        await ask(child, { order: 'put', objects });
      },
      list: async () => {
        const listed = await ask(child, { order: 'list' });
        return listed.answer === 'listed' ? listed.objects : [];
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One order, one answer; the caller doesn't overlap orders. */
async function ask(child: ChildProcess, order: ObjectStoreOrder): Promise<ObjectStoreAnswer> {
  // Unreferenced between orders, or an idle store would keep the program from ending.
  child.channel?.ref();
  const answer = await new Promise<ObjectStoreAnswer>((resolve, reject) => {
    const onExit = (): void => {
      reject(new Error('The object store ended unexpectedly.'));
    };
    child.once('exit', onExit);
    child.once('error', reject);
    child.once('message', (message) => {
      child.off('exit', onExit);
      child.off('error', reject);
      resolve(message as ObjectStoreAnswer);
    });
    child.send(order);
  });
  child.channel?.unref();
  if (answer.answer === 'failed') throw new Error(`The object store failed: ${answer.message}`);
  return answer;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.ref();
  if (child.connected) child.disconnect();
  else child.kill('SIGKILL');
  await gone;
}
