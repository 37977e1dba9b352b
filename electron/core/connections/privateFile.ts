import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { ExpectedError } from '#core/kernel/errors.ts';

/** `null` when there is no such file. Longer than `limit` bytes counts as damaged, and so does what is not UTF-8. */
export async function readPrivateFile(path: string, limit = 1_000_000): Promise<string | null> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw diskError('read');
  }
  try {
    const { size } = await file.stat();
    if (size > limit) throw diskError('read');
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
  } catch {
    throw diskError('read');
  } finally {
    await file.close();
  }
}

/** Writes a file only its owner can read, so that at any moment either the old or the whole new text is there. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  const half = join(folder, `.${randomUUID()}.half`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const file = await open(half, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(half, path);
  } catch {
    await unlink(half).catch(() => undefined);
    throw diskError('written');
  }
}

/** Whether there was one. */
export async function removePrivateFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw diskError('removed');
  }
}

/** What is said when a file of the console's own can't be used. */
export function diskError(what: 'read' | 'written' | 'removed'): ExpectedError {
  return new ExpectedError(
    'disk',
    `A file of the console's profile folder could not be ${what}; check the folder's owner, its rights and the disk.`,
  );
}
