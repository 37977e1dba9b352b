import { link, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { ExpectedError } from '#core/kernel/errors.ts';

/**
 * Gives the finished file its name. A hard link, because unlike a rename it
 * fails when the name has been taken meanwhile.
 */
export async function publish(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') throw nameTaken(file);
    // FAT and exFAT know no hard links: a look and a rename, with a moment in between, is all they allow.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR'].includes(code)) throw error;
    await refuseExisting(file);
    await rename(temporary, file);
    return;
  }
  await unlink(temporary);
}

/** Throws `conflict` where something has this name already. */
export async function refuseExisting(file: string): Promise<void> {
  const taken = await stat(file).then(
    () => true,
    (error: unknown) => {
      ignoreMissing(error);
      return false;
    },
  );
  if (taken) throw nameTaken(file);
}

/** The refusal of a name that something has already. */
export function nameTaken(file: string): ExpectedError {
  return new ExpectedError(
    'conflict',
    `Something named ${basename(file)} is already in that folder and is never overwritten; choose another folder or name.`,
  );
}

/** The sentence for a failure of the disk; null for any other error. */
export function diskFailure(error: unknown): ExpectedError | null {
  const nothingKept = 'nothing was kept';
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ExpectedError('disk', `The disk is full, ${nothingKept}; free some space and try again.`);
    case 'EFBIG':
      return new ExpectedError(
        'disk',
        `The medium can not hold a file of this size, ${nothingKept}; choose one that is not FAT32.`,
      );
    case 'ENOENT':
    case 'ENOTDIR':
      return new ExpectedError('disk', `The folder does not exist, ${nothingKept}; choose another one.`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ExpectedError(
        'disk',
        `The folder may not be written to, ${nothingKept}; choose another one.`,
      );
    case 'EIO':
    case 'ENODEV':
    case 'ENXIO':
    case 'ESTALE':
      return new ExpectedError(
        'disk',
        `The medium failed or was taken out, ${nothingKept} under the final name; put it back or choose another one.`,
      );
    default:
      return null;
  }
}

/** The code of a system error; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Throws what is not that something is missing. */
export function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

/** Writes all of a chunk where the file stands. */
export async function writeFully(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength;) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset);
    offset += bytesWritten;
  }
}

/** Writes all of several chunks at once where the file stands; gives how many bytes they are. */
export async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<number> {
  const bytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes === 0) return 0;
  let { bytesWritten } = await handle.writev([...chunks]);
  // A disk that is nearly full takes a part; the rest tells why.
  for (const chunk of chunks) {
    const left =
      bytesWritten >= chunk.byteLength ? chunk.subarray(chunk.byteLength) : chunk.subarray(bytesWritten);
    bytesWritten -= chunk.byteLength - left.byteLength;
    await writeFully(handle, left);
  }
  return bytes;
}
