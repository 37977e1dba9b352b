import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { blockBytes, inBlocks } from './blocks.ts';
import { deflateWhole, newDeflater, type Deflated } from './deflater.ts';
import { writeAll } from './disk.ts';
import type { Follower } from './follower.ts';
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
  /** The same for what has been deflated already; what it is in whole may be known at its end only. */
  addDeflated(
    path: string,
    packed: AsyncIterable<Uint8Array>,
    whole: Deflated | Promise<Deflated>,
  ): Promise<void>;
  /** Writes the directory of the zip and says what was written in all. */
  finish(): Promise<WrittenZip>;
  /** Gives up; resolves when nothing is written any more. */
  abandon(): Promise<void>;
}

export interface WrittenZip {
  /** Of the file. */
  readonly bytes: number;
  /** Of all in the zip that is no content: headers, descriptors, the directory. Hexadecimal. */
  readonly frameSha256: string;
}

/** Hears where the contents stand in the file, and how far it was written. */
export type WrittenPlaces = Pick<Follower, 'contentBegins' | 'contentEnds' | 'written'>;

/** What may wait for the disk. */
const mostWaiting = 4 * 1024 * 1024;
/** Smaller pieces are joined before they are written. */
const smallBytes = 16 * 1024;
/**
 * Starts a zip at the beginning of an empty file; the handle stays the
 * caller's to sync and close. `onFailure` is called once when the zip can't go
 * on, so that a source that is being waited for can be stopped. What `encrypt`
 * makes of the zip is what is written and counted. `places` hears of contents only where nothing is encrypted.
 */
export function openZip(
  handle: FileHandle,
  modified: Date,
  onFailure: (error: Error) => void,
  encrypt?: (zip: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
  places?: WrittenPlaces,
): ZipWriter {
  const directory: Buffer[] = [];
  const frame = createHash('sha256');
  let bytes = 0;
  /** Where the zip, before it is encrypted, has come to. */
  let place = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let ended = false;
  let failure: Error | undefined;
  let more = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();

  /** What has come up to now, at once: many small entries while the disk is busy are one write. */
  async function* batches(): AsyncGenerator<readonly Uint8Array[]> {
    for (;;) {
      if (failure !== undefined) throw failure;
      if (waiting.length > 0) {
        const taken = waiting;
        waiting = [];
        waitingBytes = 0;
        room.resolve();
        yield joinSmall(taken);
        continue;
      }
      if (ended) return;
      more = Promise.withResolvers();
      await more.promise;
    }
  }

  async function drain(): Promise<void> {
    const sealed = encrypt?.(oneByOne(batches()));
    for await (const batch of sealed === undefined ? batches() : each(sealed)) {
      bytes += await writeAll(handle, batch);
      places?.written(bytes);
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

  async function writeFrame(...chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) frame.update(chunk);
    await write(...chunks);
  }

  function begin({ method }: ZipEntry): void {
    if (encrypt === undefined) places?.contentBegins(place, method === methods.deflated);
  }

  function end(): void {
    if (encrypt === undefined) places?.contentEnds(place);
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
    await writeFrame(localHeader(entry));
    begin(entry);
    const written = write(packed);
    end();
    await written;
  }

  /** An entry of which the size is known only at its end. */
  async function addLarge(entry: ZipEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    await writeFrame(localHeader(entry));
    begin(entry);
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
    end();
    await writeFrame(dataDescriptor(entry));
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
        await writeFrame(localHeader(entry));
        begin(entry);
        const start = place;
        for await (const chunk of packed) await write(chunk);
        const { crc, bytes: unpacked, packedBytes } = await whole;
        if (place - start !== packedBytes) throw new Error('what was deflated has another length');
        Object.assign(entry, { crc, bytes: unpacked, packedBytes });
        end();
        await writeFrame(dataDescriptor(entry));
      } catch (error) {
        fail(error);
      }
      throwIfFailed();
      directory.push(centralHeader(entry));
    },
    async finish() {
      const start = place;
      for (const header of directory) await writeFrame(header);
      await writeFrame(endOfDirectory({ entries: directory.length, start, bytes: place - start }));
      ended = true;
      more.resolve();
      await drained;
      throwIfFailed();
      return { bytes, frameSha256: frame.digest('hex') };
    },
    async abandon() {
      fail(new Error('The zip was abandoned.'));
      await drained;
    },
  };
}

/** Joins small pieces that stand next to each other; what is large is handed on without being copied. */
function joinSmall(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const join = (): void => {
    if (small.length > 0) joined.push(Buffer.concat(small));
    small = [];
  };
  for (const piece of pieces) {
    if (piece.byteLength < smallBytes) small.push(piece);
    else {
      join();
      joined.push(piece);
    }
  }
  join();
  return joined;
}

async function* oneByOne(batches: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<Uint8Array> {
  for await (const batch of batches) yield* batch;
}

async function* each(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[]> {
  for await (const piece of pieces) yield [piece];
}

async function* startingWith<Item>(first: readonly Item[], rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* first;
  yield* rest;
}
