import { createHash } from 'node:crypto';
import { lstat, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newTally } from '../digest.ts';

const piece = Buffer.alloc(1024 * 1024);

/** What lies at a path now: `gone`, the package that was written there, or something else. */
export async function stateOf(path: string, sha256: string): Promise<'there' | 'gone' | 'other'> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return 'gone';
  if (found.isFile()) return (await sumOf(path)) === sha256 ? 'there' : 'other';
  if (!found.isDirectory()) return 'other';
  // A folder is known by its tag manifest, which vouches for all the rest.
  const manifest = await readFile(join(path, 'tagmanifest-sha256.txt')).catch(() => null);
  return manifest !== null && createHash('sha256').update(manifest).digest('hex') === sha256
    ? 'there'
    : 'other';
}

async function sumOf(file: string): Promise<string> {
  const tally = newTally();
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(piece.byteLength);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength);
      if (bytesRead === 0) return tally.sha256();
      tally.add(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/**
 * Overwrites a file, or every file of a folder, with zeros and removes it. On flash, and on file systems that keep
 * copies or snapshots, the old bytes can survive that; only an encrypted disk makes sure.
 */
export async function shred(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory()) {
    for (const name of await readdir(path)) await shred(join(path, name));
    await rm(path, { recursive: true });
    return;
  }
  if (found.isFile()) {
    const handle = await open(path, 'r+');
    try {
      for (let at = 0; at < found.size; at += piece.byteLength)
        await handle.write(piece, 0, Math.min(piece.byteLength, found.size - at), at);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  await rm(path);
}
