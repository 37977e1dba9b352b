import { stat } from 'node:fs/promises';
import { ExpectedError, cancelled } from '../kernel/errors.ts';
import { absentFaults, joined, volumesAt, type Volumes } from './delivery/volumes.ts';
import { readFolder, sizeOfFolder } from './folder.ts';
import { isSealed, openSealed, type Opener } from './seal/age.ts';
import { openFile, readZip, type ReadEntry, type ZipBytes } from './zipReader.ts';

/** A package that is being read: a zip, an encrypted one, either of them in volumes, or a folder. */
export interface OpenPackage {
  readonly isFolder: boolean;
  readonly encrypted: boolean;
  /** Null where it doesn't come in volumes. */
  readonly volumes: Volumes | null;
  /** The size of its file, or of all files of its folder. */
  readonly bytes: number;
  /** How many bytes have been read for the entries asked for last. */
  readonly read: () => number;
  /** Its file as it lies there; nothing of a folder. */
  whole(): AsyncIterable<Uint8Array>;
  /**
   * Its entries, those in an order that the package chose. With `only`, others are passed over unread; what that is
   * asked, and `pathIn` of an entry, is a path within the package. Throws `BrokenZip`, and `not_found` where a volume
   * is missing.
   */
  entries(only?: (path: string) => boolean): AsyncGenerator<ReadEntry>;
}

/** What a path is called within its package, whose own folder may have any name. */
export function pathIn(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

/**
 * Opens a package for as long as `work` reads in it. Its file may be any of its volumes, or the folder with them. Throws
 * `invalid_input` when an encrypted one lacks what opens it, `wrong_credentials` when that does not, `not_found`,
 * `disk`, and `cancelled` when the signal has aborted.
 */
export async function withPackage<Value>(
  file: string,
  { opener, signal }: { readonly opener?: Opener; readonly signal?: AbortSignal },
  work: (opened: OpenPackage) => Promise<Value>,
): Promise<Value> {
  let source: ZipBytes | undefined;
  let zip: ZipBytes | undefined;
  let read = 0;
  async function* counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      read += chunk.byteLength;
      yield chunk;
    }
  }
  try {
    const volumes = await volumesAt(file);
    const isFolder = volumes === null && (await stat(file)).isDirectory();
    if (!isFolder) source = volumes === null ? await openFile(file) : joined(volumes.present);
    const encrypted = source !== undefined && (await isSealed(source));
    if (encrypted && opener === undefined) {
      throw new ExpectedError(
        'invalid_input',
        'The package is encrypted; give the identity file or the passphrase it was made for.',
      );
    }
    return await work({
      isFolder,
      encrypted,
      volumes,
      bytes: source?.bytes ?? (await sizeOfFolder(file)),
      read: () => read,
      async *whole() {
        if (source !== undefined) yield* source.range(0, source.bytes);
      },
      async *entries(only) {
        const wanted = only === undefined ? undefined : (path: string) => only(pathIn(path));
        read = 0;
        if (source === undefined) {
          for await (const entry of readFolder(file, 'package'))
            if (wanted?.(entry.path) !== false) yield { ...entry, read: () => counted(entry.read()) };
          return;
        }
        refuseIncomplete(volumes);
        zip ??= encrypted && opener !== undefined ? await openSealed(source, opener) : source;
        const { bytes, range, close } = zip;
        yield* readZip({ bytes, range: (from, to) => counted(range(from, to)), close }, wanted);
      },
    });
  } catch (error) {
    if (signal?.aborted === true) throw cancelled('The check');
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT') {
      throw new ExpectedError(
        'not_found',
        'There is no file or folder of that name; check the path of the package.',
      );
    }
    if (error instanceof Error && 'syscall' in error) {
      throw new ExpectedError(
        'disk',
        'The package could not be read from its medium; check the medium and its rights, then try again.',
      );
    }
    throw error;
  } finally {
    await source?.close();
  }
}

function refuseIncomplete(volumes: Volumes | null): void {
  const missing = volumes === null ? undefined : absentFaults(volumes).find(({ kind }) => kind === 'missing');
  if (missing !== undefined) throw new ExpectedError('not_found', `${missing.name}: ${missing.says}`);
}
