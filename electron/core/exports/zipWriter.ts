import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export interface ZipEntryOptions {
  /** False for what is compressed already (pictures, video). */
  readonly compress: boolean;
}

/**
 * A zip written entry by entry in constant memory but for the list of entries
 * (some 500 bytes each). Zip64 is used where sizes or counts ask for it.
 */
export interface ZipWriter {
  /** Writes one entry to its end; entries can't overlap in time. Rejects with the source's or the disk's own error. */
  add(path: string, content: AsyncIterable<Uint8Array>, options: ZipEntryOptions): Promise<void>;
  /** Writes the directory of the zip and says what was written in all. */
  finish(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Gives up; resolves when nothing is written any more. */
  abandon(): Promise<void>;
}

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
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  const whole = createHash('sha256');
  let bytes = 0;
  let source: Readable | undefined;
  let failure: Error | undefined;

  async function drain(): Promise<void> {
    for await (const chunk of encrypt(output as AsyncIterable<Uint8Array>)) {
      whole.update(chunk);
      await writeFully(handle, chunk);
      bytes += chunk.byteLength;
    }
  }

  function fail(error: unknown): void {
    const reason = error instanceof Error ? error : new Error('The zip was abandoned.');
    if (failure === undefined) {
      failure = reason;
      onFailure(reason);
    }
    source?.destroy(reason);
    output.destroy(reason);
  }

  const drained = drain().catch(fail);
  zip.on('error', fail);
  output.on('error', fail);

  return {
    async add(path, content, { compress }) {
      throwIfFailed();
      const entry = Readable.from(content, { objectMode: false, highWaterMark: 256 * 1024 });
      source = entry;
      const read = finished(entry, { writable: false });
      // yazl keeps this function for as long as the zip is open; it must not keep every stream with it.
      let held: Readable | null = entry;
      zip.addReadStreamLazy(
        path,
        { mtime: modified, mode: 0o100600, compressionLevel: compress ? 1 : 0 },
        (give) => {
          if (held !== null) give(null, held);
        },
      );
      try {
        await read;
      } catch (error) {
        fail(error);
      }
      held = null;
      throwIfFailed();
    },
    async finish() {
      zip.end();
      await drained;
      throwIfFailed();
      return { bytes, sha256: whole.digest('hex') };
    },
    async abandon() {
      fail(new Error('The zip was abandoned.'));
      await drained;
    },
  };

  function throwIfFailed(): void {
    // The error of a source or of the disk is the caller's to translate; it is thrown as it came.
    if (failure !== undefined) throw failure;
  }
}

/** Writes all of a chunk, where the file stands or at a place in it. */
export async function writeFully(handle: FileHandle, chunk: Uint8Array, place?: number): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength;) {
    const { bytesWritten } = await handle.write(
      chunk,
      offset,
      chunk.byteLength - offset,
      place === undefined ? null : place + offset,
    );
    offset += bytesWritten;
  }
}
