import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { diskError, readPrivateFile, removePrivateFile, writePrivateFile } from './privateFile.ts';

const copyShape = z.strictObject({
  exportId: z.int().positive(),
  /** Where it lies, a file or a folder. */
  path: z.string().min(1),
  /** As the trail has it, hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  /** ISO 8601. */
  madeAt: z.iso.datetime(),
});

/** A package that was written on this computer. */
export type LocalCopy = z.infer<typeof copyShape>;

/** Which packages of one database lie on this computer, so that none is forgotten there. */
export interface LocalCopies {
  list(): Promise<readonly LocalCopy[]>;
  add(copy: LocalCopy): Promise<void>;
  /** Forgets it; what lies there is not touched. */
  remove(path: string): Promise<void>;
}

/**
 * Kept on this workstation, a file for each that only its owner reads: the window and the command line may add and
 * remove at the same time, and neither takes anything from the other. A damaged file is as good as none.
 */
export function localCopies(folder: string, database: string): LocalCopies {
  const kept = join(folder, `packages-${database}`);
  const fileOf = (path: string): string =>
    join(kept, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`);
  const read = async (file: string): Promise<LocalCopy | null> => {
    const text = await readPrivateFile(file).catch(() => null);
    if (text === null) return null;
    try {
      return copyShape.parse(JSON.parse(text));
    } catch {
      return null;
    }
  };
  return {
    async list() {
      const names = (await namesIn(kept)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
      const found = await Promise.all(names.map((name) => read(join(kept, name))));
      return found
        .filter((each) => each !== null)
        .sort((one, other) => (one.madeAt === other.madeAt ? 0 : one.madeAt < other.madeAt ? -1 : 1));
    },
    async add(copy) {
      await writePrivateFile(fileOf(copy.path), `${JSON.stringify(copy, null, 1)}\n`);
    },
    async remove(path) {
      await removePrivateFile(fileOf(path));
    },
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw diskError('read');
  }
}
