import { ExpectedError } from '../kernel/errors.ts';
import { ObjectInterrupted } from '../objectStore/objectStore.ts';
import type { Absent, OpenObject, Withheld } from '../objectStore/objectStore.ts';
import { ahead, iterate } from './blocks.ts';
import { reportEvery, unlessAborted, whileWanted } from './digest.ts';
import type { Tally } from './digest.ts';
import { extensionOf, isCompressedType, originalName } from './format.ts';
import type { FileSummary } from './format.ts';
import type { PageFileEntry } from './page/page.ts';
import type { Redaction } from './redactions.ts';

/** One object to go into the package. */
export interface PackageFile {
  readonly key: string;
  readonly contentType: string;
  /** The row that names the object; null for an object found only in the bucket. */
  readonly row?: { readonly collection: string; readonly id: string } | null;
  /** What that row says of the object, to be compared with what was read. */
  readonly rowBytes?: number | null;
  /** Hexadecimal, in either case, a leading `\x` allowed. */
  readonly rowSha256?: string | null;
  /** ETag under which the object was listed. */
  readonly listedEtag?: string | null;
  /** Kept back by a reviewer: neither fetched nor told by its name, only that it was and why. */
  readonly redaction?: Redaction | null;
  readonly open: (
    signal: AbortSignal,
  ) => Promise<(Pick<OpenObject, 'stream' | 'bytes'> & Partial<OpenObject>) | Absent | Withheld>;
}

/** Its line in `data/files/index.jsonl`. */
export type IndexLine = PageFileEntry & Readonly<Record<string, unknown>>;

/** What of a package its files need. */
export interface FilePacking {
  /** Writes one entry. */
  readonly put: (
    path: string,
    content: AsyncIterable<Uint8Array>,
    compress: boolean,
    seen: (tally: Tally) => void,
  ) => Promise<Tally>;
  /** Counts each file by what became of it. */
  readonly counts: { -readonly [Status in keyof FileSummary]: number };
  /** Hears of each file, in order. */
  readonly told: (line: IndexLine) => void;
  /** Asked to tell how far it has come. */
  readonly report: () => void;
}

/** Objects asked for while earlier ones are written, and the chunks of 64 KiB of each that may wait: 24 MiB of them all. */
const openedAhead = 16;
const chunksAhead = 24;
/** So many withheld one after another are no matter of the objects. */
const withheldAtMost = 5;

/**
 * Writes the objects of a package one after another, each with what became of it; a missing one never becomes an empty
 * file. Throws `object_store` when the store withholds so many that a package would be one without its files.
 */
export async function packFiles(
  files: Iterable<PackageFile> | AsyncIterable<PackageFile>,
  packing: FilePacking,
  signal: AbortSignal,
): Promise<void> {
  const source = whileWanted(iterate(files), signal);
  const opening: Opening[] = [];
  const count = newWithheldCount();
  try {
    for (let number = 1; ; number += 1) {
      while (opening.length < openedAhead) {
        const next = await source.next();
        if (next.done === true) break;
        opening.push(openAhead(next.value, signal));
      }
      const next = opening.shift();
      if (next === undefined) break;
      packing.report();
      const line = await packFile(next, number, packing);
      count.add(line);
      packing.told(line);
    }
    count.end();
  } finally {
    await source.return(undefined);
    for (const { opened } of opening) await opened.then(endOf, () => undefined);
  }
}

/** Writes one object and gives its line in the index. */
async function packFile(
  { file, opened: opening }: Opening,
  number: number,
  { put, counts, report }: FilePacking,
): Promise<IndexLine> {
  const { key, contentType, row = null, rowBytes = null, listedEtag = null, redaction = null } = file;
  if (redaction !== null) {
    counts.redacted += 1;
    const { id, ground } = redaction;
    const kept = {
      redaction: id,
      ground,
      row: redaction.object === null ? null : row,
      name: null,
      key: null,
    };
    return { file: null, status: 'redacted', bytes: null, sha256: null, contentType, ...kept };
  }
  const rowSha256 = file.rowSha256?.replace(/^\\x/, '').toLowerCase() ?? null;
  const known = { name: originalName(key), key, contentType, row, rowBytes, rowSha256 };
  const opened = await opening;
  if (typeof opened === 'string') {
    counts.missing += 1;
    if (isWithheld(opened)) counts.unavailable += 1;
    return { file: null, status: 'missing', reason: opened, bytes: null, sha256: null, ...known };
  }
  if (opened === null) throw new Error('an object that is not redacted was not opened');
  const { body } = opened;
  if (body.empty && (body.interrupted !== null || opened.bytes > 0)) {
    counts.missing += 1;
    const reason = body.interrupted ?? 'gone';
    if (isWithheld(reason)) counts.unavailable += 1;
    return { file: null, status: 'missing', reason, bytes: null, sha256: null, ...known };
  }
  const path = `data/files/${String(number).padStart(6, '0')}.${extensionOf(contentType)}`;
  let reported = 0;
  const tally = await put(path, body.content, !isCompressedType(contentType), ({ bytes }) => {
    if (bytes - reported < reportEvery) return;
    reported = bytes;
    report();
  }).finally(body.end);
  const sha256 = tally.sha256();
  const written = { file: path, bytes: tally.bytes, sha256, ...known };
  if (body.interrupted !== null || tally.bytes !== opened.bytes) {
    const reason = body.interrupted ?? 'gone';
    counts.incomplete += 1;
    if (isWithheld(reason)) counts.unavailable += 1;
    return { ...written, status: 'incomplete', reason };
  }
  const differs = [
    ...(rowBytes !== null && rowBytes !== tally.bytes ? ['bytes'] : []),
    ...(rowSha256 !== null && rowSha256 !== sha256 ? ['sha256'] : []),
    ...(listedEtag !== null && opened.etag !== undefined && listedEtag !== opened.etag ? ['etag'] : []),
  ];
  if (differs.length > 0) {
    counts.differing += 1;
    return { ...written, status: 'differs', differs };
  }
  counts.complete += 1;
  return { ...written, status: 'complete' };
}

/** Keeps a package from being made of a store that answers and gives nothing. */
function newWithheldCount(): { readonly add: (line: IndexLine) => void; readonly end: () => void } {
  let inARow = 0;
  let withheld = 0;
  let others = 0;
  return {
    add({ status, reason }) {
      if (status === 'redacted') return;
      if (!isWithheld(reason)) {
        others += 1;
        inARow = 0;
        return;
      }
      withheld += 1;
      inARow += 1;
      if (inARow === withheldAtMost) throw nothingGiven();
    },
    end() {
      // One object can be broken by itself.
      if (others === 0 && withheld > 1) throw nothingGiven();
    },
  };
}

function nothingGiven(): ExpectedError {
  return new ExpectedError(
    'object_store',
    'R2 answers but gives none of several objects one after another, so nothing was kept; check the access key of the profile and the state of R2, then export again.',
  );
}

function isWithheld(reason: unknown): reason is Withheld {
  return reason === 'unavailable' || reason === 'refused';
}

/** An object on its way: asked for while earlier ones are written. */
interface Opening {
  readonly file: PackageFile;
  /** Null for one that is kept back and so not asked for. */
  readonly opened: Promise<OpenedFile | Absent | Withheld | null>;
}

interface OpenedFile extends Partial<OpenObject> {
  readonly bytes: number;
  readonly body: Body;
}

/** A body whose first bytes have been read; an interruption ends it and is noted instead of thrown. */
interface Body {
  readonly empty: boolean;
  readonly interrupted: ObjectInterrupted['reason'] | null;
  readonly content: AsyncIterable<Uint8Array>;
  readonly end: () => Promise<void>;
}

function openAhead(file: PackageFile, signal: AbortSignal): Opening {
  const opened = (file.redaction ?? null) === null ? openFileOf(file, signal) : Promise.resolve(null);
  // It is told when it is its turn.
  opened.catch(() => undefined);
  return { file, opened };
}

async function openFileOf(file: PackageFile, signal: AbortSignal): Promise<OpenedFile | Absent | Withheld> {
  const opened = await unlessAborted(file.open(signal), signal);
  if (typeof opened === 'string') return opened;
  // The first bytes are asked for before the entry begins, so that a missing object never becomes an empty file.
  return { ...opened, body: await begin(whileWanted<Uint8Array>(opened.stream, signal)) };
}

async function endOf(opened: OpenedFile | Absent | Withheld | null): Promise<void> {
  if (opened !== null && typeof opened === 'object') await opened.body.end();
}

async function begin(stream: AsyncIterable<Uint8Array>): Promise<Body> {
  let interrupted: Body['interrupted'] = null;
  const chunks = ahead(untilInterrupted(), chunksAhead)[Symbol.asyncIterator]();
  const first = await chunks.next();
  return {
    empty: first.done === true,
    get interrupted() {
      return interrupted;
    },
    content: all(),
    end: async () => {
      await chunks.return?.();
    },
  };

  async function* untilInterrupted(): AsyncGenerator<Uint8Array> {
    try {
      yield* stream;
    } catch (error) {
      if (!(error instanceof ObjectInterrupted)) throw error;
      interrupted = error.reason;
    }
  }

  async function* all(): AsyncGenerator<Uint8Array> {
    for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
  }
}
