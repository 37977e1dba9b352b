import { statfs } from 'node:fs/promises';

/** What a file system can take. */
export interface Medium {
  /** For somebody who is not an administrator. */
  readonly freeBytes: number;
  /** Null where no limit is known. */
  readonly largestFileBytes: number | null;
}

/** The type Linux tells of a FAT file system (`MSDOS_SUPER_MAGIC` of statfs(2)). */
const fat = 0x4d44;
/** A file on FAT has at most 2^32 - 1 bytes. */
const largestOnFat = 2 ** 32 - 1;

/** What the file system of a folder can take; throws what the system says where the folder can't be asked. */
export async function inspectMedium(folder: string): Promise<Medium> {
  return limitsOf(await statfs(folder));
}

/** From what the system tells of a file system; only Linux tells its type by a number that is known. */
export function limitsOf(
  told: { readonly type: number; readonly bavail: number; readonly bsize: number },
  platform: NodeJS.Platform = process.platform,
): Medium {
  return {
    freeBytes: told.bavail * told.bsize,
    largestFileBytes: platform === 'linux' && told.type === fat ? largestOnFat : null,
  };
}
