import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { ZipBytes } from '../zipReader.ts';

/** One volume that lies there. */
export interface Volume {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
}

/** The volumes of one package, as they lie beside one another. */
export interface Volumes {
  /** In order, from the first. */
  readonly present: readonly Volume[];
  /** Names of those that should be there: numbers between, and what the list of sums names. */
  readonly missing: readonly string[];
  /** Names of those the list of sums doesn't know. */
  readonly added: readonly string[];
  /** SHA-256 by name, hexadecimal, from the list that was written beside them; null where there is none. */
  readonly sums: ReadonlyMap<string, string> | null;
}

/** Read at a time. */
const pieceBytes = 256 * 1024;
/** A list of 999 volumes has some 300 kB. */
const largestList = 1024 * 1024;

/** The name of one of several volumes, from 1. */
export function volumeName(name: string, number: number): string {
  return `${name}.${String(number).padStart(3, '0')}`;
}

/** The name of the list of the volumes' sums, as `sha256sum -c` reads it. */
export function sumsName(name: string): string {
  return `${name}.sha256`;
}

/** What `sumsName` holds. */
export function sumsText(files: readonly { readonly name: string; readonly sha256: string }[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
}

/**
 * The volumes a path means: one of them, the list of their sums, or the folder they lie in. Null where it means none.
 * @throws ExpectedError `invalid_input` for a folder with those of several packages
 */
export async function volumesAt(path: string): Promise<Volumes | null> {
  const isFolder = await stat(path).then(
    (each) => each.isDirectory(),
    () => false,
  );
  const folder = isFolder ? path : dirname(path);
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const of = Map.groupBy(names.filter(isVolume), packageOf);
  if (!isFolder) {
    const name = packageOf(basename(path));
    const found = of.get(name) ?? [];
    if (name === basename(path) || found.length === 0) return null;
    return isWhole(path, found) ? null : volumesOf(folder, name, names, basename(path));
  }
  // An unpacked package is one, whatever else lies in its folder.
  if (of.size === 0 || names.includes('data') || names.includes('bagit.txt')) return null;
  const [name] = [...of.keys()];
  if (name === undefined || of.size > 1)
    throw new ExpectedError(
      'invalid_input',
      'The folder holds volumes of more than one package; name a volume of the one you mean.',
    );
  return volumesOf(folder, name, names);
}

function isVolume(name: string): boolean {
  return /.\.\d{3}$/.test(name);
}

/** Whether a name that happens to end in three digits is that of one whole file. */
function isWhole(path: string, found: readonly string[]): boolean {
  return found.length === 1 && found[0] === basename(path) && !path.endsWith('.001') && !/\.zip/.test(path);
}

/** The package's own name; a name that is none of a volume or a list stays. */
function packageOf(name: string): string {
  return name.replace(/(?<=.)\.(\d{3}|sha256)$/, '');
}

/** `asked` is one that there should be. */
async function volumesOf(
  folder: string,
  name: string,
  names: readonly string[],
  asked = volumeName(name, 1),
): Promise<Volumes> {
  const sums = await sumsIn(join(folder, sumsName(name)), name);
  const there = names.filter((each) => isVolume(each) && packageOf(each) === name).sort();
  const last = Math.max(...[...there, asked].filter(isVolume).map(numberOf), 1);
  const meant = sums === null ? numbered(name, last) : [...sums.keys()].sort();
  const present = await Promise.all(
    meant
      .filter((each) => there.includes(each))
      .map(async (each) => ({
        name: each,
        file: join(folder, each),
        bytes: (await stat(join(folder, each))).size,
      })),
  );
  return {
    present,
    missing: meant.filter((each) => !there.includes(each)),
    added: there.filter((each) => !meant.includes(each)),
    sums,
  };
}

function numberOf(name: string): number {
  return Number(name.slice(-3));
}

function numbered(name: string, last: number): readonly string[] {
  return Array.from({ length: last }, (_, place) => volumeName(name, place + 1));
}

/** The sums that are listed; of a list that is none of these volumes' nothing is believed. */
async function sumsIn(file: string, name: string): Promise<ReadonlyMap<string, string> | null> {
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile() || found.size > largestList) return null;
  const sums = new Map<string, string>();
  for (const line of (await readFile(file, 'utf8')).split('\n').filter((each) => each !== '')) {
    const [, sha256, listed] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sha256 === undefined || listed !== volumeName(name, sums.size + 1)) return null;
    sums.set(listed, sha256);
  }
  return sums.size === 0 ? null : sums;
}

/** Volumes as one, of which only what is asked for is read; no file stays open in between. */
export function joined(volumes: readonly Volume[]): ZipBytes {
  const placed: { readonly file: string; readonly from: number; readonly to: number }[] = [];
  let bytes = 0;
  for (const volume of volumes) {
    placed.push({ file: volume.file, from: bytes, to: bytes + volume.bytes });
    bytes += volume.bytes;
  }
  return {
    bytes,
    async *range(from, to) {
      for (const each of placed) {
        const end = Math.min(to, each.to);
        if (from >= end) continue;
        yield* partOf(each.file, from - each.from, end - each.from);
        from = end;
      }
    },
    close: () => Promise.resolve(),
  };
}

async function* partOf(file: string, from: number, to: number): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    for (let at = from; at < to;) {
      const wanted = Math.min(pieceBytes, to - at);
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
      if (bytesRead === 0) throw new Error('unexpected end');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** What is wrong with volumes, found by reading each once: `sha256` by name. */
export interface VolumeFault {
  readonly kind: 'missing' | 'added' | 'changed' | 'renamed';
  readonly name: string;
  readonly says: string;
}

/** What is wrong before anything of them is read: those that are not there, and those nothing knows. */
export function absentFaults({ missing, added }: Volumes): readonly VolumeFault[] {
  return [
    ...missing.map((name): VolumeFault => ({
      kind: 'missing',
      name,
      says: 'This volume is not there; put all volumes of the package into one folder.',
    })),
    ...added.map((name): VolumeFault => ({
      kind: 'added',
      name,
      says: 'The list of the volumes does not name it, so it was not read.',
    })),
  ];
}

/** What the content of volumes tells: against the list of their sums, or where there is none by their sizes. */
export function contentFaults(
  { present, sums }: Volumes,
  sha256Of: ReadonlyMap<string, string>,
): readonly VolumeFault[] {
  if (sums === null) return sizeFaults(present);
  return present.flatMap(({ name }): readonly VolumeFault[] => {
    const found = sha256Of.get(name);
    if (found === sums.get(name)) return [];
    const other = [...sums].find(([, sha256]) => sha256 === found)?.[0];
    return other === undefined
      ? [
          {
            kind: 'changed',
            name,
            says: 'It is not the volume that was written: it was changed, or is of another package.',
          },
        ]
      : [{ kind: 'renamed', name, says: `It holds what was written as ${other}.` }];
  });
}

/** All volumes are as long as the first ones, and the last no longer. */
function sizeFaults(present: readonly Volume[]): readonly VolumeFault[] {
  const before = present.slice(0, -1);
  const sizes = Map.groupBy(before, ({ bytes }) => bytes);
  const common = [...sizes].toSorted(([, one], [, other]) => other.length - one.length)[0]?.[0];
  const last = present.at(-1);
  const wrong = [
    ...before.filter(({ bytes }) => bytes !== common),
    ...(last !== undefined && common !== undefined && last.bytes > common ? [last] : []),
  ];
  return wrong.map(({ name }) => ({
    kind: 'changed',
    name,
    says: 'It is not as long as the other volumes: it was changed, or is of another package.',
  }));
}
