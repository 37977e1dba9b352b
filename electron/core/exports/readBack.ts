import { ExpectedError } from '../kernel/errors.ts';
import { digesting, newTally, reportEvery, unlessAborted, whileWanted } from './digest.ts';
import type { FollowedFile, Follower } from './follower.ts';
import type { FileEntry } from './format.ts';
import { openSealed, type Encryption } from './seal/age.ts';
import { BrokenZip, headerPieceBytes, openFile, pieceBytes, readZip } from './zipReader.ts';
import type { ReadEntry } from './zipReader.ts';
import type { WrittenZip } from './zipWriter.ts';

/** Entries read back at a time. */
const comparedAtOnce = 2;

/**
 * Holds what the follower has read of the file from the disk against what was meant to be written: every byte, since what
 * is no content has a hash of its own. Where the contents stand is told by the zip's directory, through another library
 * than the one that wrote it. What is encrypted is opened and read once more, its contents by their hashes. Gives the
 * SHA-256 of the file.
 */
export async function readBack(
  temporary: string,
  encryption: Encryption | undefined,
  expected: readonly FileEntry[],
  written: WrittenZip,
  follower: Follower,
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<string> {
  const followed = await unlessAborted(
    follower.end(encryption === undefined ? read : undefined).catch((error: unknown) => {
      throw isSystemError(error) ? error : notReadBack();
    }),
    signal,
  );
  if (followed.bytes !== written.bytes) throw notReadBack();
  const file = await openFile(temporary);
  if (encryption === undefined) {
    try {
      if (followed.frameSha256 !== written.frameSha256) throw notReadBack();
      await comparePlaces(readZip(file, undefined, headerPieceBytes), expected, followed.contents);
    } finally {
      await file.close();
    }
    return followed.sha256;
  }
  const zip = await openSealed(file, encryption.opener()).catch(async (error: unknown) => {
    await file.close();
    throw error instanceof BrokenZip ? notReadBack() : error;
  });
  try {
    await compareEntries(readZip(zip), expected, signal, read);
  } finally {
    await zip.close();
  }
  return followed.sha256;
}

/** Holds each entry of the directory against what was read where it says that it stands. */
async function comparePlaces(
  found: AsyncIterable<ReadEntry>,
  expected: readonly FileEntry[],
  contents: FollowedFile['contents'],
): Promise<void> {
  const left = new Map(expected.map((entry) => [entry.path, entry]));
  try {
    for await (const { path, problem, content } of found) {
      const there = content === null ? undefined : contents.get(content.from);
      const meant = left.get(path);
      const isAsMeant =
        problem === null &&
        there?.to === content?.to &&
        there?.isDeflated === content?.isDeflated &&
        there?.bytes === content?.bytes &&
        there?.crc === content?.crc &&
        there?.sha256 === meant?.sha256 &&
        there?.bytes === meant?.bytes;
      if (!isAsMeant || !left.delete(path)) throw notReadBack();
    }
  } catch (error) {
    throw error instanceof BrokenZip ? notReadBack() : error;
  }
  if (left.size > 0) throw notReadBack();
}

/**
 * Frees the memory of a chunk that nobody reads any more, instead of leaving it to the collector of unused memory, which
 * a package's worth of chunks keeps busy. Smaller ones may be parts of what is kept.
 */
function letGo({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === pieceBytes && buffer.byteLength === pieceBytes && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
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
