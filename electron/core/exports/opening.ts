import { stat } from 'node:fs/promises';
import { ExpectedError, cancelled } from '../kernel/errors.ts';
import { readFolder } from './folder.ts';
import { isSealed, openSealed, type Opener } from './seal/age.ts';
import { openFile, readZip, type ReadEntry, type ZipBytes } from './zipReader.ts';

/** A package that is being read: a zip, an encrypted one, or a folder. */
export interface OpenPackage {
  readonly isFolder: boolean;
  readonly encrypted: boolean;
  /**
   * Its entries, those in an order that the package chose. With `only`, others are passed over unread; what that is
   * asked, and `pathIn` of an entry, is a path within the package. Throws `BrokenZip`.
   */
  entries(only?: (path: string) => boolean): AsyncGenerator<ReadEntry>;
}

/** What a path is called within its package, whose own folder may have any name. */
export function pathIn(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

/**
 * Opens a package for as long as `work` reads in it. Throws `invalid_input` when an encrypted one lacks what opens
 * it, `wrong_credentials` when that does not, `not_found`, `disk`, and `cancelled` when the signal has aborted.
 */
export async function withPackage<Value>(
  file: string,
  { opener, signal }: { readonly opener?: Opener; readonly signal?: AbortSignal },
  work: (opened: OpenPackage) => Promise<Value>,
): Promise<Value> {
  let zip: ZipBytes | undefined;
  try {
    const isFolder = (await stat(file)).isDirectory();
    const encrypted = !isFolder && (await isSealed(file));
    if (encrypted && opener === undefined) {
      throw new ExpectedError(
        'invalid_input',
        'The package is encrypted; give the identity file or the passphrase it was made for.',
      );
    }
    return await work({
      isFolder,
      encrypted,
      async *entries(only) {
        const wanted = only === undefined ? undefined : (path: string) => only(pathIn(path));
        if (isFolder) {
          for await (const entry of readFolder(file, 'package'))
            if (wanted?.(entry.path) !== false) yield entry;
          return;
        }
        zip ??= encrypted && opener !== undefined ? await openSealed(file, opener) : await openFile(file);
        yield* readZip(zip, wanted);
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
    await zip?.close();
  }
}
