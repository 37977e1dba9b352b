import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { blockBytes, inBlocks } from './blocks.ts';
import { deflateWhole, newDeflater, type Deflated } from './deflater.ts';
import { writeFully } from './disk.ts';
import { centralHeader, dataDescriptor, endOfDirectory, localHeader, methods } from './zipFormat.ts';
import type { ZipEntry } from './zipFormat.ts';

export interface ZipEntryOptions {
  /** False for what is compressed already (pictures, video). */
  readonly compress: boolean;
}

/**
 * A zip written entry by entry in constant memory but for its directory (some
 * 200 bytes an entry). Zip64 is used where sizes or counts ask for it.
 */
export interface ZipWriter {
  /** Writes one entry to its end; entries can't overlap in time. Rejects with the source's or the disk's own error. */
  add(path: string, content: AsyncIterable<Uint8Array>, options: ZipEntryOptions): Promise<void>;
  /** The same for what has been deflated already. */
  addDeflated(path: string, packed: AsyncIterable<Uint8Array>, whole: Deflated): Promise<void>;
  /** Writes the directory of the zip and says what was written in all. */
  finish(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Gives up; resolves when nothing is written any more. */
  abandon(): Promise<void>;
}

/** What may wait for the disk. */
const mostWaiting = 4 * 1024 * 1024;
/** Smaller pieces are joined before they are written. */
const worthAWrite = 64 * 1024;
/**
 * Starts a zip at the beginning of an empty file; the handle stays the
 * caller's to sync and close. `onFailure` is called once when the zip can't go
 * on, so that a source that is being waited for can be stopped. What `encrypt`
 * makes of the zip is what is written, hashed and counted.
 */
export function openZip(
  handle: FileHandle,
  modified: Date,
  onFailure: (error: Error) => void,
  encrypt: (zip: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> = (plain) => plain,
): ZipWriter {
  const directory: Buffer[] = [];
  const whole = createHash('sha256');
  let bytes = 0;
  /** Where the zip, before it is encrypted, has come to. */
  let place = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let ended = false;
  let failure: Error | undefined;
  let more = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();

  /** What has come up to now: many small entries while the disk is busy are one write. */
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (failure !== undefined) throw failure;
      if (waiting.length > 0) {
        const taken = waiting;
        waiting = [];
        waitingBytes = 0;
        room.resolve();
        yield* largeEnough(taken);
        continue;
      }
      if (ended) return;
      more = Promise.withResolvers();
      await more.promise;
    }
  }

  async function drain(): Promise<void> {
    for await (const chunk of encrypt(pieces())) {
      whole.update(chunk);
      await writeFully(handle, chunk);
      bytes += chunk.byteLength;
    }
  }

  async function write(...chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      waiting.push(chunk);
      waitingBytes += chunk.byteLength;
      place += chunk.byteLength;
    }
    more.resolve();
    while (waitingBytes > mostWaiting && failure === undefined) {
      room = Promise.withResolvers();
      await room.promise;
    }
    throwIfFailed();
  }

  function fail(error: unknown): void {
    if (failure !== undefined) return;
    failure = error instanceof Error ? error : new Error('The zip was abandoned.');
    onFailure(failure);
    more.resolve();
    room.resolve();
  }

  function throwIfFailed(): void {
    // The error of a source or of the disk is the caller's to translate; it is thrown as it came.
    if (failure !== undefined) throw failure;
  }

  const drained = drain().catch(fail);

  /** An entry that is known in whole. */
  async function addSmall(entry: ZipEntry, content: Uint8Array): Promise<void> {
    const packed = entry.method === methods.stored ? content : await deflateWhole(content);
    entry.crc = crc32(content);
    entry.bytes = content.byteLength;
    entry.packedBytes = packed.byteLength;
    await write(localHeader(entry), packed);
  }

  /** An entry of which the size is known only at its end. */
  async function addLarge(entry: ZipEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    await write(localHeader(entry));
    if (entry.method === methods.stored) {
      const start = place;
      for await (const block of content) {
        entry.crc = crc32(block, entry.crc);
        entry.bytes += block.byteLength;
        await write(block);
      }
      entry.packedBytes = place - start;
    } else {
      const deflater = newDeflater((packed) => write(packed));
      try {
        for await (const block of content) await deflater.add(block);
        Object.assign(entry, await deflater.end());
      } finally {
        await deflater.settle();
      }
    }
    await write(dataDescriptor(entry));
  }

  function newEntry(path: string, method: ZipEntry['method']): ZipEntry {
    return { path, modified, method, place, isStreamed: false, crc: 0, bytes: 0, packedBytes: 0 };
  }

  return {
    async add(path, content, { compress }) {
      throwIfFailed();
      const entry = newEntry(path, compress ? methods.deflated : methods.stored);
      // What is only stored gains nothing from being copied together.
      const blocks = inBlocks(content, compress ? blockBytes : 1);
      try {
        const first = await blocks.next();
        const second = first.done === true ? first : await blocks.next();
        if (first.done === true) await addSmall(entry, Buffer.alloc(0));
        else if (second.done === true) await addSmall(entry, first.value);
        else {
          entry.isStreamed = true;
          await addLarge(entry, startingWith([first.value, second.value], blocks));
        }
      } catch (error) {
        fail(error);
      } finally {
        await blocks.return(undefined);
      }
      throwIfFailed();
      directory.push(centralHeader(entry));
    },
    async addDeflated(path, packed, whole) {
      throwIfFailed();
      const entry = newEntry(path, methods.deflated);
      entry.isStreamed = true;
      try {
        await write(localHeader(entry));
        const start = place;
        for await (const chunk of packed) await write(chunk);
        if (place - start !== whole.packedBytes) throw new Error('what was deflated has another length');
        Object.assign(entry, whole);
        await write(dataDescriptor(entry));
      } catch (error) {
        fail(error);
      }
      throwIfFailed();
      directory.push(centralHeader(entry));
    },
    async finish() {
      const start = place;
      for (const header of directory) await write(header);
      await write(endOfDirectory({ entries: directory.length, start, bytes: place - start }));
      ended = true;
      more.resolve();
      await drained;
      throwIfFailed();
      return { bytes, sha256: whole.digest('hex') };
    },
    async abandon() {
      fail(new Error('The zip was abandoned.'));
      await drained;
    },
  };
}

/** Joins small pieces into ones that are worth a write; what is large is handed on without being copied. */
function* largeEnough(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    small.push(piece);
    size += piece.byteLength;
    if (size < worthAWrite) continue;
    yield* small.length === 1 ? small : [Buffer.concat(small)];
    small = [];
    size = 0;
  }
  if (small.length > 0) yield Buffer.concat(small);
}

async function* startingWith<Item>(first: readonly Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* first;
  yield* rest;
}
