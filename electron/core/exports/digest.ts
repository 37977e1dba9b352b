import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

/** Bytes between two reports of progress. */
export const reportEvery = 1024 * 1024;

/** What has passed by so far. */
export interface Tally {
  bytes: number;
  /** Line feeds; 0 where they aren't counted. */
  lines: number;
  readonly add: (chunk: Uint8Array) => void;
  /** Hexadecimal; of all that has passed so far. */
  readonly sha256: () => string;
}

/** Counts bytes and hashes them; lines only where asked for, since pictures are full of line feeds and each costs a call. */
export function newTally({ lines = false }: { readonly lines?: boolean } = {}): Tally {
  const hash = createHash('sha256');
  const tally: Tally = {
    bytes: 0,
    lines: 0,
    add(chunk) {
      hash.update(chunk);
      tally.bytes += chunk.byteLength;
      if (!lines) return;
      for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) tally.lines += 1;
    },
    sha256: () => hash.copy().digest('hex'),
  };
  return tally;
}

/** Hands on what it is given, hashed and counted on the way. */
export async function* digesting(
  source: AsyncIterable<Uint8Array>,
  tally: Tally,
  seen: (chunk: Uint8Array) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    tally.add(chunk);
    seen(chunk);
    yield chunk;
  }
}

/** How long a cancelled source may take to come to its end before it is no longer waited for, in milliseconds. */
const patience = 5_000;

/**
 * Hands on a source until the signal aborts; then, or when the consumer stops,
 * ends the source (a stream is destroyed) and throws the signal's reason, even
 * while the source is being waited for.
 */
export async function* whileWanted<Item>(
  source: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (source instanceof Readable) source.destroy();
    const ended = Promise.resolve(iterator.return?.()).catch(() => undefined);
    if (signal.aborted) {
      const enough = new AbortController();
      await Promise.race([
        ended,
        wait(patience, undefined, { signal: enough.signal }).catch(() => undefined),
      ]);
      enough.abort();
    } else await ended;
  }
}

/** A promise, or the signal's reason as soon as it aborts. */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason as Error);
  };
  // Whichever of the two loses must not surface as an unhandled rejection.
  promise.catch(() => undefined);
  aborted.promise.catch(() => undefined);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
