import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from './privateFile.ts';

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

/** Kept in a file of this workstation only its owner reads; a damaged one is as good as none. */
export function localCopies(folder: string, database: string): LocalCopies {
  const file = join(folder, `packages-${database}.json`);
  const list = async (): Promise<readonly LocalCopy[]> => {
    const text = await readPrivateFile(file);
    if (text === null) return [];
    try {
      return z.array(copyShape).parse(JSON.parse(text));
    } catch {
      return [];
    }
  };
  const replace = (copies: readonly LocalCopy[]): Promise<void> =>
    writePrivateFile(file, `${JSON.stringify(copies, null, 1)}\n`);
  return {
    list,
    async add(copy) {
      await replace([...(await list()).filter((each) => each.path !== copy.path), copy]);
    },
    async remove(path) {
      const before = await list();
      const after = before.filter((each) => each.path !== path);
      if (after.length < before.length) await replace(after);
    },
  };
}
