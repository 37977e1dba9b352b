import type { PackageAbout, PackageFaultKind } from '#shared/contract/exports.ts';
import { aboutPackage, bagInfo, fieldsOf, linesOf, parsed, shown } from './about.ts';
import { absentFaults, contentFaults, type Volumes } from './delivery/volumes.ts';
import { digesting, newTally, whileWanted } from './digest.ts';
import { bagitText } from './format.ts';
import { pathIn, withPackage, type OpenPackage } from './opening.ts';
import { largestSchema, recordChecks, type RecordCheck } from './recordCheck.ts';
import { newRecordCount } from './table.ts';
import type { Opener } from './seal/age.ts';
import { checkSignature, signatureFiles } from './seal/packageSignature.ts';
import { BrokenZip, type ReadEntry } from './zipReader.ts';

/** One thing that is wrong with a package. */
export interface PackageFault {
  readonly kind: PackageFaultKind;
  /** The file concerned, made harmless to show; null when it is the package as a whole. */
  readonly path: string | null;
  readonly says: string;
}

export interface PackageVerdict {
  /** True when every file is there and unchanged, and the signature, if there is one, holds and is by whom it was asked for. */
  readonly ok: boolean;
  readonly faults: readonly PackageFault[];
  /** What it says of itself; null where it can't be read. */
  readonly about: PackageAbout;
  /** Of the file itself, or of a folder's tag manifest (empty where there is none), to be compared with the one in the trail. */
  readonly sha256: string;
  readonly bytes: number;
  readonly files: number;
  readonly records: number;
  /** What the map didn’t cover when it was made, as the package says; two people let it go all the same. */
  readonly gaps: readonly string[];
  /** Fingerprint of the key whose signature holds (`SHA256:…`); null when it is unsigned or does not hold. */
  readonly signer: string | null;
  readonly encrypted: boolean;
  /** How many volumes of it there are; null where it doesn't come in volumes. */
  readonly volumes: number | null;
}

export interface VerifyWork {
  /** Needed where the package is encrypted. */
  readonly opener?: Opener;
  /** Fingerprint of the only key whose signature is good enough. */
  readonly expectedSigner?: string;
  readonly signal?: AbortSignal;
  /** What is being checked, and how many bytes of how many have been; a zip is read as a whole first, then file by file. */
  readonly progress?: (says: string, done: number, total: number) => void;
}

interface Seen {
  readonly bytes: number;
  readonly sha256: string;
  readonly lines: number;
  /** Records of a table, its first line included; null for any other file. */
  readonly records: number | null;
}

/** Tag files and indexes are kept in memory to be read; a hostile one may not fill it. */
const largestText = 64 * 1024 * 1024;
/** A package that is wrong in more places is not worth listing. */
const mostFaults = 1_000;

/**
 * Checks a package, a zip or a folder, with nothing but its files: the zip, the manifests, the
 * counts, and the index of its objects. Every tampering is named; a package
 * re-zipped with the same content is fine. Throws `not_found`, `disk` and
 * `cancelled`; a package that is not one is a verdict, not an error.
 */
export function verifyPackage(file: string, work: VerifyWork = {}): Promise<PackageVerdict> {
  return withPackage(file, work, (opened) => verify(opened, work));
}

async function verify(
  opened: OpenPackage,
  { expectedSigner, signal = new AbortController().signal, progress = () => undefined }: VerifyWork,
): Promise<PackageVerdict> {
  const { isFolder, encrypted, entries } = opened;
  const faults: PackageFault[] = [];
  const fault = (kind: PackageFaultKind, path: string | null, says: string): void => {
    if (faults.length < mostFaults) faults.push({ kind, path: path === null ? null : shown(path), says });
  };
  const total = isFolder ? opened.bytes : 2 * opened.bytes;
  const tell = (says: string, done: number): void => {
    progress(says, Math.min(done, total), total);
  };
  const outer = await readWhole(opened, signal, fault, (bytes) => {
    tell('reading the file as a whole', bytes);
  });
  // Of volumes that are missing or mixed up nothing else can be told.
  const readable = faults.every(({ kind }) => kind === 'changed');
  const before = isFolder ? 0 : opened.bytes;
  const read = (path: string): void => {
    tell(`checking ${shown(path)}`, before + opened.read());
  };
  const schemas = readable ? await schemasIn(entries, signal) : new Map<string, RecordCheck | null>();
  const { seen, texts } = readable
    ? await readEntries(entries(), schemas, signal, fault, read)
    : { seen: new Map<string, Seen>(), texts: new Map<string, string>() };
  if (isFolder && seen.size === 0) fault('malformed', null, 'The folder holds no package.');
  const info = bagInfo(texts.get('bag-info.txt') ?? '');
  if (seen.size > 0) compare(seen, texts, info, fault);
  const signer = seen.size > 0 ? signerOf(texts, info, expectedSigner, fault) : null;
  const gaps = releasedGaps(texts.get('data/processing.json'), fault);
  const records = [...seen]
    .filter(([path]) => path.startsWith('data/records/'))
    .reduce((sum, [, { lines }]) => sum + lines, 0);
  return {
    ok: faults.length === 0,
    faults,
    about: aboutPackage(info, texts.get('data/processing.json')),
    sha256: isFolder ? (seen.get('tagmanifest-sha256.txt')?.sha256 ?? '') : outer.sha256,
    bytes: isFolder ? [...seen.values()].reduce((sum, entry) => sum + entry.bytes, 0) : outer.bytes,
    files: seen.size,
    records,
    gaps,
    signer,
    encrypted,
    volumes: opened.volumes?.present.length ?? null,
  };
}

/** Reads the file as it lies there, and each volume of one that comes in volumes. */
async function readWhole(
  opened: OpenPackage,
  signal: AbortSignal,
  fault: Report,
  read: (bytes: number) => void,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const outer = newTally();
  const volumes = opened.volumes === null ? null : volumeTally(opened.volumes);
  for await (const chunk of digesting(whileWanted(opened.whole(), signal), outer)) {
    volumes?.add(chunk);
    read(outer.bytes);
  }
  if (opened.volumes !== null) {
    const found = [
      ...absentFaults(opened.volumes),
      ...contentFaults(opened.volumes, volumes?.sha256Of() ?? new Map()),
    ];
    for (const { kind, name, says } of found) fault(kind, name, says);
  }
  return { sha256: outer.sha256(), bytes: outer.bytes };
}

/** Hashes volumes one after another; a chunk is never of two. */
function volumeTally({ present }: Volumes): {
  readonly add: (chunk: Uint8Array) => void;
  readonly sha256Of: () => ReadonlyMap<string, string>;
} {
  const tallies = present.map((volume) => ({ volume, tally: newTally() }));
  let at = 0;
  return {
    add(chunk) {
      while (tallies[at] !== undefined && tallies[at]?.tally.bytes === tallies[at]?.volume.bytes) at += 1;
      tallies[at]?.tally.add(chunk);
    },
    sha256Of: () => new Map(tallies.map(({ volume, tally }) => [volume.name, tally.sha256()])),
  };
}

function isSignature(path: string): boolean {
  return Object.values<string>(signatureFiles).includes(path);
}

/** Whose signature holds. One that was stripped is told by `bag-info.txt`, one that was replaced by another key's name there. */
function signerOf(
  texts: ReadonlyMap<string, string>,
  info: ReadonlyMap<string, string>,
  expected: string | undefined,
  fault: Report,
): string | null {
  const present = Object.values<string>(signatureFiles).filter((path) => texts.has(path));
  const told = info.get('Signed-By');
  if (present.length === 0) {
    if (told !== undefined) fault('signature', null, 'It was signed, and its signature has been taken away.');
    else if (expected !== undefined) fault('signature', null, 'It is not signed.');
    return null;
  }
  const files = new Map(present.map((path) => [path, Buffer.from(texts.get(path) ?? '', 'latin1')]));
  const signer = checkSignature(Buffer.from(texts.get('tagmanifest-sha256.txt') ?? '', 'utf8'), files);
  if (signer === null) {
    fault('signature', null, 'Its signature is not one of this package, or a part of it is missing.');
    return null;
  }
  if (told !== signer)
    fault('signature', null, `It is signed by ${signer}, not by the key it was made with.`);
  if (expected !== undefined && expected !== signer) {
    fault('signature', null, `It is signed by ${signer}, not by the signer asked for.`);
  }
  return signer;
}

/** What the package says it was made in spite of; one that says so without saying who let it go is none of ours. */
function releasedGaps(text: string | undefined, fault: Report): readonly string[] {
  const processing = text === undefined ? null : fieldsOf(parsed(text));
  const told = processing?.['released'];
  if (told === undefined) return [];
  const fields = fieldsOf(told);
  const gaps: unknown = fields?.['gaps'];
  const people = [fields?.['askedBy'], fields?.['approvedBy']];
  if (
    !Array.isArray(gaps) ||
    gaps.length === 0 ||
    !gaps.every((each): each is string => typeof each === 'string') ||
    !people.every((each) => typeof each === 'string') ||
    people[0] === people[1]
  ) {
    fault(
      'malformed',
      'data/processing.json',
      'It was made in spite of gaps, and does not say which, or which two people let it go.',
    );
    return [];
  }
  return gaps.map(shown);
}

type Report = (kind: PackageFaultKind, path: string | null, says: string) => void;

/** What makes the check of each collection's records, by their path: their schema, which lies behind them. */
async function schemasIn(
  entries: OpenPackage['entries'],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RecordCheck | null>> {
  const made = recordChecks();
  const checks = new Map<string, RecordCheck | null>();
  try {
    for await (const entry of entries((path) => /^data\/schemas\/[^/]+\.schema\.json$/.test(path))) {
      const name = pathIn(entry.path).slice('data/schemas/'.length, -'.schema.json'.length);
      const kept: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of whileWanted(entry.read(), signal)) {
        bytes += chunk.byteLength;
        if (bytes <= largestSchema) kept.push(chunk);
      }
      const text = Buffer.concat(kept).toString('utf8');
      checks.set(`data/records/${name}.jsonl`, bytes > largestSchema ? null : made(text));
    }
  } catch (error) {
    // What is damaged is named when everything is read.
    if (!(error instanceof BrokenZip)) throw error;
  }
  return checks;
}

/** Reads every entry once; paths are given relative to the package's folder. */
async function readEntries(
  entries: AsyncIterable<ReadEntry>,
  schemas: ReadonlyMap<string, RecordCheck | null>,
  signal: AbortSignal,
  fault: Report,
  progress: (path: string) => void,
): Promise<{ readonly seen: Map<string, Seen>; readonly texts: Map<string, string> }> {
  const seen = new Map<string, Seen>();
  const texts = new Map<string, string>();
  const names = new Set<string>();
  let root: string | undefined;
  try {
    for await (const entry of entries) {
      if (names.has(entry.path.toLowerCase())) {
        fault(
          'duplicate',
          entry.path,
          'The package holds two files of this name; systems differ in which one they keep.',
        );
        continue;
      }
      names.add(entry.path.toLowerCase());
      if (entry.problem !== null) {
        fault(entry.problem.kind, entry.path, entry.problem.message);
        if (entry.problem.kind === 'unsafe_name') continue;
      }
      root ??= entry.path.split('/', 1)[0];
      const path = entry.path.slice((root ?? '').length + 1);
      if (!entry.path.startsWith(`${root ?? ''}/`)) {
        fault('added', entry.path, 'It lies outside the folder of the package.');
        continue;
      }
      if (entry.isFolder) continue;
      const check = schemas.get(path);
      const read = await readEntry(entry, path, check ?? null, signal, progress);
      if ('broken' in read) {
        fault(read.broken.kind, path, read.broken.message);
        seen.set(path, { bytes: 0, sha256: 'unreadable', lines: 0, records: null });
        continue;
      }
      if (read.text !== null) texts.set(path, read.text);
      const wrong = check?.fault() ?? null;
      if (wrong !== null) fault('record', path, wrong);
      if (check === null) fault('record', path, 'Its schema is not one that records could be checked by.');
      if (read.tooLarge) fault('malformed', path, 'It is too large to be what its name says.');
      seen.set(path, read.seen);
    }
  } catch (error) {
    if (!(error instanceof BrokenZip)) throw error;
    fault(error.kind, error.path, error.message);
  }
  return { seen, texts };
}

function isText(path: string): boolean {
  return !path.startsWith('data/') || path === 'data/processing.json' || path === 'data/files/index.jsonl';
}

async function readEntry(
  entry: ReadEntry,
  path: string,
  check: RecordCheck | null,
  signal: AbortSignal,
  progress: (path: string) => void,
): Promise<
  | { readonly seen: Seen; readonly text: string | null; readonly tooLarge: boolean }
  | { readonly broken: BrokenZip }
> {
  const keepText = isText(path);
  const records = path.startsWith('data/tables/') ? newRecordCount() : null;
  const tally = newTally({ lines: path.endsWith('.jsonl') });
  const kept: Uint8Array[] = [];
  try {
    for await (const chunk of digesting(whileWanted(entry.read(), signal), tally)) {
      records?.add(chunk);
      check?.add(chunk);
      progress(path);
      if (keepText && tally.bytes <= largestText) kept.push(chunk);
    }
  } catch (error) {
    if (error instanceof BrokenZip) return { broken: error };
    throw error;
  }
  const tooLarge = keepText && tally.bytes > largestText;
  return {
    seen: {
      bytes: tally.bytes,
      sha256: tally.sha256(),
      lines: tally.lines,
      records: records?.records ?? null,
    },
    text: keepText && !tooLarge ? Buffer.concat(kept).toString(isSignature(path) ? 'latin1' : 'utf8') : null,
    tooLarge,
  };
}

function compare(
  seen: ReadonlyMap<string, Seen>,
  texts: ReadonlyMap<string, string>,
  info: ReadonlyMap<string, string>,
  fault: Report,
): void {
  const bagit = texts.get('bagit.txt');
  if (bagit !== undefined && bagit !== bagitText) {
    fault('malformed', 'bagit.txt', 'It is not that of a BagIt 1.0 package.');
  }
  const tagListed = manifest('tagmanifest-sha256.txt', seen, texts, fault);
  const listed = manifest('manifest-sha256.txt', seen, texts, fault);
  for (const path of ['bagit.txt', 'bag-info.txt', 'VERIFY.txt', 'manifest-sha256.txt']) {
    if (tagListed !== null && !tagListed.has(path))
      fault('missing', path, 'The tag manifest does not name it.');
  }
  const payload = [...seen].filter(([path]) => path.startsWith('data/'));
  if (listed !== null) compareWith(listed, new Map(payload), fault);
  const tags = [...seen].filter(
    ([path]) =>
      !path.startsWith('data/') &&
      !isSignature(path) &&
      (path !== 'tagmanifest-sha256.txt' || tagListed === null),
  );
  if (tagListed !== null) compareWith(tagListed, new Map(tags), fault);

  const bytes = payload.reduce((sum, [, entry]) => sum + entry.bytes, 0);
  if (
    texts.has('bag-info.txt') &&
    info.get('Payload-Oxum') !== `${String(bytes)}.${String(payload.length)}`
  ) {
    fault('count', 'bag-info.txt', 'Its Payload-Oxum is not the number of bytes and files in the package.');
  }
  const keptBack = seen.get('data/redactions.jsonl')?.lines ?? 0;
  if (texts.has('bag-info.txt') && Number(info.get('Redaction-Count') ?? 0) !== keptBack) {
    fault('count', 'bag-info.txt', 'Its Redaction-Count is not the number of what was kept back.');
  }
  compareRecords(seen, texts, info, fault);
  compareIndex(seen, texts, fault);
}

function compareWith(
  listed: ReadonlyMap<string, string>,
  present: ReadonlyMap<string, Seen>,
  fault: Report,
): void {
  const added = new Set([...present.keys()].filter((path) => !listed.has(path)));
  const addedOf = Map.groupBy(added, (path) => present.get(path)?.sha256);
  for (const [path, sha256] of listed) {
    const found = present.get(path);
    if (found !== undefined) {
      // An entry that could not be unpacked has been named already.
      if (found.sha256 !== sha256 && found.sha256 !== 'unreadable') {
        fault('changed', path, 'Its content is not the one the package was made with.');
      }
      continue;
    }
    const moved = addedOf.get(sha256)?.shift();
    if (moved === undefined) {
      fault('missing', path, 'It was in the package and is not any more.');
    } else {
      added.delete(moved);
      fault('renamed', path, `It is now called ${shown(moved)}.`);
    }
  }
  for (const path of added) fault('added', path, 'It was not in the package when it was made.');
}

/** Hash by path; null, with a fault, when there is no such manifest. */
function manifest(
  path: string,
  seen: ReadonlyMap<string, Seen>,
  texts: ReadonlyMap<string, string>,
  fault: Report,
): ReadonlyMap<string, string> | null {
  const text = texts.get(path);
  if (text === undefined) {
    // One that is there but can't be read has been named already.
    if (!seen.has(path)) fault('missing', path, 'Without it the package can not be checked.');
    return null;
  }
  const listed = new Map<string, string>();
  for (const line of linesOf(text)) {
    const match = /^([0-9a-f]{64}) [ *](\S.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined || listed.has(match[2])) {
      fault('malformed', path, 'It has a line that is no hash and name, or names a file twice.');
      continue;
    }
    listed.set(match[2], match[1]);
  }
  return listed;
}

/** The counts written down when the package was made, against the lines that are there. */
function compareRecords(
  seen: ReadonlyMap<string, Seen>,
  texts: ReadonlyMap<string, string>,
  info: ReadonlyMap<string, string>,
  fault: Report,
): void {
  const path = 'data/processing.json';
  const text = texts.get(path);
  if (text === undefined) {
    // One that is there but can't be read has been named already.
    if (!seen.has(path)) fault('missing', path, 'Without it the counts of the package can not be checked.');
    return;
  }
  const processing = fieldsOf(parsed(text));
  const collections = processing?.['collections'];
  if (!Array.isArray(collections)) {
    fault('malformed', path, 'It does not say which collections the package holds.');
    return;
  }
  const snapshots = processing?.['snapshots'];
  const taken = Array.isArray(snapshots) ? snapshots.length : null;
  if (taken !== null && texts.has('bag-info.txt') && info.get('Snapshot-Count') !== String(taken)) {
    fault(
      'count',
      'bag-info.txt',
      'Its Snapshot-Count is not the number of snapshots the package was read from.',
    );
  }
  const { resumed } = processing ?? {};
  const interruptions = Array.isArray(resumed) ? resumed.length : 0;
  if (texts.has('bag-info.txt') && Number(info.get('Resumed-Count') ?? 0) !== interruptions) {
    fault(
      'count',
      'bag-info.txt',
      'Its Resumed-Count is not how often the export was interrupted and went on.',
    );
  }
  const told = new Set<string>();
  for (const collection of collections as readonly unknown[]) {
    const fields = fieldsOf(collection);
    const file = fields?.['file'];
    if (typeof file !== 'string') continue;
    told.add(file);
    const found = seen.get(file);
    if (found !== undefined && found.sha256 !== 'unreadable' && found.lines !== fields?.['rows']) {
      fault('count', file, 'It does not hold as many records as were exported.');
    }
    if (taken !== null && !partsAdd(fields, taken)) {
      fault(
        'count',
        file,
        'Its parts do not come to what was exported, or are of no snapshot the package names.',
      );
    }
    if (found === undefined) fault('count', file, 'A collection that was exported is not in the package.');
    compareDerived(fields, seen, told, fault);
  }
  for (const file of seen.keys()) {
    if (/^data\/(records|tables|schemas)\//.test(file) && !told.has(file)) {
      fault('count', file, 'No collection of the export has this name.');
    }
  }
}

/** What is derived from a collection's records: its table, with as many of them, and their schema. */
function compareDerived(
  collection: Readonly<Record<string, unknown>> | null,
  seen: ReadonlyMap<string, Seen>,
  told: Set<string>,
  fault: Report,
): void {
  const { table, schema } = collection ?? {};
  for (const file of [table, schema]) {
    if (typeof file !== 'string') continue;
    told.add(file);
    if (!seen.has(file)) fault('count', file, 'A collection that was exported lacks this file of it.');
  }
  if (typeof table !== 'string' && typeof schema !== 'string') return;
  const records = typeof table === 'string' ? seen.get(table) : undefined;
  if (typeof table !== 'string' || typeof schema !== 'string') {
    fault(
      'malformed',
      'data/processing.json',
      'It names a table without its schema, or the other way round.',
    );
  } else if (
    records !== undefined &&
    records.sha256 !== 'unreadable' &&
    records.records !== Number(collection?.['rows']) + 1
  ) {
    fault('count', table, 'It does not hold as many records as were exported.');
  }
}

/** Whether the parts of a collection come to its rows, each of a snapshot that was taken. */
function partsAdd(collection: Readonly<Record<string, unknown>> | null, taken: number): boolean {
  const parts = collection?.['parts'];
  if (!Array.isArray(parts)) return false;
  let sum = 0;
  for (const part of parts as readonly unknown[]) {
    const { snapshot, rows } = fieldsOf(part) ?? {};
    if (typeof snapshot !== 'number' || typeof rows !== 'number' || snapshot < 1 || snapshot > taken)
      return false;
    sum += rows;
  }
  return sum === collection?.['rows'];
}

/** The index of objects, against the objects that are there. */
function compareIndex(
  seen: ReadonlyMap<string, Seen>,
  texts: ReadonlyMap<string, string>,
  fault: Report,
): void {
  const path = 'data/files/index.jsonl';
  const text = texts.get(path);
  if (text === undefined) {
    // One that is there but can't be read has been named already.
    if (!seen.has(path)) fault('missing', path, 'Without it nothing says what the files of the package are.');
    return;
  }
  const told = new Set<string>([path]);
  for (const line of linesOf(text)) {
    const fields = fieldsOf(parsed(line));
    const file = fields?.['file'];
    if (fields === null || (file !== null && typeof file !== 'string')) {
      fault('malformed', path, 'It has a line that can not be read.');
      continue;
    }
    if (file === null) continue;
    told.add(file);
    const found = seen.get(file);
    if (found?.sha256 === 'unreadable') continue;
    if (found === undefined || found.sha256 !== fields['sha256'] || found.bytes !== fields['bytes']) {
      fault('count', file, 'It is not the file the index describes.');
    }
  }
  for (const file of seen.keys()) {
    if (file.startsWith('data/files/') && !told.has(file)) {
      fault('count', file, 'The index does not know this file.');
    }
  }
}
