import { open } from 'node:fs/promises';
import { ExpectedError } from '../kernel/errors.ts';
import { digesting, newTally, reportEvery, whileWanted } from './digest.ts';
import type { FileEntry } from './format.ts';
import { openSealed, type Encryption } from './seal/age.ts';
import { BrokenZip, openFile, pieceBytes, readZip } from './zipReader.ts';
import type { ReadEntry } from './zipReader.ts';

/** Entries read back at a time. */
const comparedAtOnce = 2;

/** Reads the package from the disk and compares every byte's hash with what was meant to be written. */
export async function readBack(
  temporary: string,
  encryption: Encryption | undefined,
  expected: readonly FileEntry[],
  whole: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<void> {
  const file = await openFile(temporary);
  const zip =
    encryption === undefined
      ? file
      : await openSealed(file, encryption.opener()).catch(async (error: unknown) => {
          await file.close();
          throw error instanceof BrokenZip ? notReadBack() : error;
        });
  const failed = new AbortController();
  const wanted = AbortSignal.any([signal, failed.signal]);
  const works = [
    compareEntries(readZip(zip), expected, wanted, read),
    compareWhole(temporary, whole, wanted),
  ];
  try {
    await Promise.all(works);
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(works);
    await zip.close();
  }
}

/**
 * Frees the memory of a chunk that nobody reads any more, instead of leaving it to the collector of unused memory, which
 * a package's worth of chunks keeps busy. Smaller ones may be parts of what is kept.
 */
function letGo({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === pieceBytes && buffer.byteLength === pieceBytes && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}

async function compareWhole(
  file: string,
  whole: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const tally = newTally();
  const handle = await open(file, 'r');
  try {
    const stream = handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 });
    for await (const chunk of digesting(whileWanted(stream, signal), tally)) void chunk;
  } finally {
    await handle.close();
  }
  if (tally.bytes !== whole.bytes || tally.sha256() !== whole.sha256) throw notReadBack();
}

function notReadBack(): ExpectedError {
  return new ExpectedError(
    'disk',
    'The package could not be read back as it was written, so it was thrown away; choose another folder or medium and export again.',
  );
}

/** Holds every file that lies there against the hash of what was meant to be written; none may be missing or too many. */
export async function compareEntries(
  found: AsyncIterable<ReadEntry>,
  expected: readonly FileEntry[],
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<void> {
  const left = new Map(expected.map((entry) => [entry.path, entry]));
  const failed = new AbortController();
  const wanted = AbortSignal.any([signal, failed.signal]);
  let bytes = 0;
  let reported = 0;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.byteLength;
    if (bytes - reported < reportEvery) return;
    reported = bytes;
    read(bytes);
  };
  const compare = async (entry: ReadEntry): Promise<void> => {
    const tally = newTally();
    for await (const chunk of digesting(whileWanted(entry.read(), wanted), tally)) {
      count(chunk);
      letGo(chunk);
    }
    const meant = left.get(entry.path);
    if (meant?.bytes !== tally.bytes || meant.sha256 !== tally.sha256()) throw notReadBack();
    left.delete(entry.path);
  };
  read(0);
  const comparing = new Set<Promise<void>>();
  try {
    for await (const entry of found) {
      if (entry.problem !== null) throw notReadBack();
      const one = compare(entry)
        .catch((error: unknown) => {
          failed.abort(error);
        })
        .finally(() => comparing.delete(one));
      comparing.add(one);
      if (comparing.size >= comparedAtOnce) await Promise.race(comparing);
      failed.signal.throwIfAborted();
    }
    await Promise.all(comparing);
    failed.signal.throwIfAborted();
  } catch (error) {
    failed.abort(error);
    throw error instanceof BrokenZip ? notReadBack() : error;
  } finally {
    await Promise.all(comparing);
  }
  if (left.size > 0) throw notReadBack();
  read(bytes);
}
