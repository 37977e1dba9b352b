import { execFile, execFileSync } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A disk of the test's own. Null where this machine lets nobody mount one: whoever asks skips its test and says so. */
export interface SmallDisk {
  readonly folder: string;
  /** Makes it this large, in KiB; only of one in memory. */
  resize(kibibytes: number): Promise<void>;
  /** Takes nothing more; only of one in memory. */
  readOnly(): Promise<void>;
  /** From now on everything it is asked fails, as of a medium that is pulled out. */
  pull(): void;
  unmount(): Promise<void>;
}

async function unlessRefused<Value>(work: () => Promise<Value>): Promise<Value | null> {
  if (process.getuid?.() !== 0) return null;
  return work().catch(() => null);
}

/** A disk in memory. */
export function mountInMemory(folder: string, kibibytes: number): Promise<SmallDisk | null> {
  const option = (size: number): string => `size=${String(size)}k`;
  return unlessRefused(async () => {
    await mkdir(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', option(kibibytes), 'tmpfs', folder]);
    return {
      folder,
      async resize(size) {
        await run('mount', ['-o', `remount,${option(size)}`, folder]);
      },
      async readOnly() {
        await run('mount', ['-o', 'remount,ro', folder]);
      },
      pull() {
        throw new Error('memory is not pulled out');
      },
      async unmount() {
        await run('umount', ['-l', folder]);
      },
    };
  });
}

/** Ends the file system at once, without writing what it still holds (EXT4_IOC_SHUTDOWN). */
const shutDown =
  'import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))';

/** A disk in a file, as a removable medium is one. */
export function mountMedium(folder: string, mebibytes: number): Promise<SmallDisk | null> {
  return unlessRefused(async () => {
    await mkdir(folder, { recursive: true });
    const image = path.join(path.dirname(folder), `${path.basename(folder)}.img`);
    await writeFile(image, '');
    await truncate(image, mebibytes * 2 ** 20);
    await run('mkfs.ext4', ['-q', image]);
    await run('python3', ['--version']);
    await run('mount', ['-o', 'loop', image, folder]);
    return {
      folder,
      resize: () => Promise.reject(new Error('a medium has its size')),
      readOnly: () => Promise.reject(new Error('a medium is written to')),
      // At once: what is written goes on meanwhile otherwise.
      pull() {
        execFileSync('python3', ['-c', shutDown, folder]);
      },
      async unmount() {
        await run('umount', ['-l', folder]);
      },
    };
  });
}
