import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, opendir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inflated } from './deflater.ts';
import { writeFully } from './disk.ts';
import { BrokenZip, isSafePath } from './zipReader.ts';
import type { ReadEntry } from './zipReader.ts';

/** Writes the files of a package into a folder that is there, each synced before the next. */
export interface FolderWriter {
  /** `path` has the package's name before it, as in a zip. */
  add(path: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** The same for what has been deflated. */
  addDeflated(path: string, packed: AsyncIterable<Uint8Array>): Promise<void>;
  /** Syncs the folders themselves. */
  finish(): Promise<void>;
}

export function openFolder(folder: string): FolderWriter {
  const made = new Set<string>();
  const writer: FolderWriter = {
    async add(path, content) {
      const file = join(folder, ...path.split('/').slice(1));
      const within = dirname(file);
      if (!made.has(within)) {
        await mkdir(within, { recursive: true, mode: 0o700 });
        made.add(within);
      }
      const handle = await open(file, 'wx', 0o600);
      try {
        for await (const chunk of content) await writeFully(handle, chunk);
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    addDeflated: (path, packed) => writer.add(path, inflated(packed)),
    async finish() {
      for (const each of made) await syncFolder(each);
    },
  };
  return writer;
}

/** Makes what was written in a folder's list of files last. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such thing as syncing a folder.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems can't either.
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
}

/** A folder only its owner can look into; the process's mask may have taken rights away, never given any. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await chmod(folder, 0o700);
}

/**
 * Reads an unpacked package as {@link readZip} reads a zip, in the order of the
 * names, with `root` for the name of its folder. Follows no link.
 */
export async function* readFolder(folder: string, root: string): AsyncGenerator<ReadEntry> {
  const names: { readonly name: string; readonly kind: 'file' | 'folder' | 'other' }[] = [];
  for await (const each of await opendir(folder)) {
    const kind = each.isFile() ? 'file' : each.isDirectory() ? 'folder' : 'other';
    names.push({ name: each.name, kind });
  }
  names.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const { name, kind } of names) {
    const path = `${root}/${name}`;
    const at = join(folder, name);
    if (kind === 'folder' && isSafePath(path)) {
      yield* readFolder(at, path);
      continue;
    }
    const problem = !isSafePath(path)
      ? new BrokenZip('unsafe_name', 'Its name is not the same on every system.', path)
      : kind === 'other'
        ? new BrokenZip('malformed', 'It is a link or a device, not a file.', path)
        : null;
    yield { path, isFolder: false, problem, content: null, read: () => content(at, path) };
  }
}

/** All its files together, in bytes; links are not followed. */
export async function sizeOfFolder(folder: string): Promise<number> {
  let bytes = 0;
  for (const each of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (each.isFile()) bytes += (await lstat(join(each.parentPath, each.name))).size;
  return bytes;
}

async function* content(file: string, path: string): AsyncGenerator<Uint8Array> {
  let handle;
  try {
    // Windows has no such flag, and no need of it: there, a link is told by its kind.
    handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'ELOOP' && code !== 'EISDIR') throw error;
    throw new BrokenZip('malformed', 'It is a link or a device, not a file.', path);
  }
  try {
    const stream = handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 });
    for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk;
  } finally {
    await handle.close();
  }
}
