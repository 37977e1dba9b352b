import { open, rename, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageForm, PageLanguage } from '#shared/contract/exports.ts';
import { ExpectedError, cancelled } from '../kernel/errors.ts';
import { ahead, asLines, inBlocks } from './blocks.ts';
import { ObjectInterrupted } from '../objectStore/objectStore.ts';
import type { Absent, OpenObject } from '../objectStore/objectStore.ts';
import { digesting, newTally, unlessAborted, whileWanted } from './digest.ts';
import type { Tally } from './digest.ts';
import { codeOf, diskFailure, ignoreMissing, nameTaken, publish, refuseExisting } from './disk.ts';
import { makePrivateFolder, openFolder, readFolder, syncFolder } from './folder.ts';
import { temporaryName } from './leftovers.ts';
import {
  bagitText,
  bagInfoText,
  extensionOf,
  isCompressedType,
  isSafeName,
  manifestText,
  originalName,
  snapshotText,
  verifyText,
} from './format.ts';
import type {
  CollectionReading,
  CollectionSummary,
  FileEntry,
  FileSummary,
  SnapshotSummary,
} from './format.ts';
import { newSample, pageText } from './page/page.ts';
import type { LeftOutInWords, PageCollection, PageFileEntry, PageInformation } from './page/page.ts';
import { redactionCounts, redactionsText, type Redaction } from './redactions.ts';
import { schemaText } from './schema.ts';
import type { PackageColumn } from './schema.ts';
import { openSealed, type Encryption } from './seal/age.ts';
import type { Signer } from './seal/signature.ts';
import { newSpool } from './spool.ts';
import type { Spool } from './spool.ts';
import { newTable } from './table.ts';
import type { TableWriter } from './table.ts';
import { blockBytes, openZip } from './zipWriter.ts';
import type { ZipWriter } from './zipWriter.ts';
import { BrokenZip, openFile, readZip } from './zipReader.ts';
import type { ReadEntry } from './zipReader.ts';

/** Rows of one collection, as JSON Lines. */
export interface PackageCollection {
  /** Becomes `data/records/<name>.jsonl`: letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  /** What people call it; its name where missing. */
  readonly title?: string;
  /** What its rows may hold, in the order of the table; where missing there is no table and no schema. */
  readonly columns?: readonly PackageColumn[];
  /** The bytes of the lines, each ended by one line feed; may be cut anywhere. Must end when the signal aborts. */
  readonly rows: (signal: AbortSignal) => AsyncIterable<Uint8Array | string>;
  /** Counts the rows by another way; asked after the last row, a difference refuses the package. */
  readonly expectedRows?: (signal: AbortSignal) => Promise<number>;
  /** From which snapshots they were read; asked after the rows were counted. */
  readonly reading?: () => CollectionReading;
}

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
  ) => Promise<(Pick<OpenObject, 'stream' | 'bytes'> & Partial<OpenObject>) | Absent>;
}

export interface PackageOptions {
  /**
   * An existing folder; the package becomes `<folder>/<name>.zip`, `.zip.age` where it is encrypted, or `<folder>/<name>`
   * in the form of a folder.
   */
  readonly folder: string;
  /** A zip where missing. */
  readonly form?: PackageForm;
  readonly name: string;
  readonly packageId: string;
  readonly requestNumber: string;
  /** Opaque; stands in `bag-info.txt`, which holds no personal data. */
  readonly subjectReference: string;
  /** What kind of person it is about, e.g. `Account holder`. */
  readonly subjectKind?: string;
  /** Who else decides about this person's data, in a sentence; null or missing when it is us. */
  readonly controller?: string | null;
  /** Name and version of the program, for `bag-info.txt`. */
  readonly program: string;
  readonly collections: Iterable<PackageCollection> | AsyncIterable<PackageCollection>;
  readonly files: Iterable<PackageFile> | AsyncIterable<PackageFile>;
  /** The snapshots of the database that were read from, asked when all sources have ended. */
  readonly snapshots?: () => readonly SnapshotSummary[];
  /** Further texts of the payload, small enough to be held. */
  readonly extras?: readonly { readonly path: string; readonly text: string }[];
  /** More for `data/processing.json` (map hash, what was left out); asked when all sources have ended. */
  readonly processing?: () => Processing | Promise<Processing>;
  /** What `data/index.html` is written in; English where missing. */
  readonly language?: PageLanguage;
  /** What that page tells beside the data, e.g. why they are held. */
  readonly information?: readonly PageInformation[];
  readonly signer?: Signer;
  /** Of a zip only. */
  readonly encryption?: Encryption;
  /** What was kept back of it. */
  readonly redactions?: readonly Redaction[];
  /** Called with what was read back, before the file gets its name; a failure leaves no file. */
  readonly register?: (receipt: Omit<PackageReceipt, 'file'>) => Promise<void>;
}

/** What else `data/processing.json` says. */
export type Processing = object & { readonly leftOut?: readonly LeftOutInWords[] };

export interface PackageProgress {
  readonly phase: 'records' | 'files' | 'sealing' | 'reading_back';
  /** The collection being written, in the phase `records` only. */
  readonly collection: string | null;
  /** Rows, objects and bytes so far; bytes start again at 0 for reading back. */
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

export interface PackageReceipt {
  readonly file: string;
  readonly packageId: string;
  /** Of the zip itself, or of a folder's tag manifest, which vouches for all the rest: what goes into the trail and onto the delivery sheet. */
  readonly sha256: string;
  readonly bytes: number;
  readonly payloadBytes: number;
  readonly payloadFiles: number;
  readonly collections: readonly CollectionSummary[];
  readonly files: FileSummary;
}

export interface PackageWork {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: PackageProgress) => void;
}

/** Bytes between two reports of progress. */
const reportEvery = 1024 * 1024;
/** What the page shows of one collection and of all, in bytes of its records; and how many rows or files. */
const pageBytes = { each: 512 * 1024, all: 4 * 1024 * 1024 } as const;
const pageRows = 500;
/** Blocks that are read while earlier ones are written: the database works on its next rows meanwhile. */
const blocksAhead = 10;
/** Objects asked for while earlier ones are written, and the chunks of each that may wait: some 2 MiB. */
const openedAhead = 4;
const chunksAhead = 32;
/** Entries read back at a time. */
const comparedAtOnce = 2;

/**
 * Writes an export package (docs/package-format.md): streamed into a temporary
 * file, synced, read back with an independent reader, and only then given its
 * final name, never over another file. However it ends otherwise, the
 * temporary file is gone and the sources are stopped.
 *
 * Throws `cancelled`, `disk`, `conflict` (the name is taken; rows differ from
 * their count), `invalid_input` (names), and what a source throws.
 */
export async function writePackage(
  options: PackageOptions,
  { signal, progress = () => undefined }: PackageWork = {},
): Promise<PackageReceipt> {
  checkNames(options);
  const ending = options.form === 'folder' ? '' : `.zip${options.encryption === undefined ? '' : '.age'}`;
  const file = join(options.folder, `${options.name}${ending}`);
  const failed = new AbortController();
  const wanted = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  try {
    if (isAborted(signal)) throw cancelled('The export');
    await refuseExisting(file);
    if (options.form === 'folder') return await writeFolder(options, file, wanted, failed, progress);
    const temporary = join(options.folder, temporaryName());
    let handle: FileHandle | undefined = await open(temporary, 'wx', 0o600);
    const spool = newSpool(options.folder);
    let zip: ZipWriter | undefined;
    let zipFailure: unknown;
    try {
      const made = new Date();
      zip = openZip(
        handle,
        made,
        (error) => {
          zipFailure = error;
          failed.abort(error);
        },
        options.encryption?.encrypt,
      );
      const bag = newBag(options, zip, spool, made, wanted, progress);
      await bag.writeCollections();
      await bag.writeFiles();
      await bag.seal();
      const whole = await zip.finish();
      await handle.sync();
      await handle.close();
      handle = undefined;
      await readBack(temporary, options.encryption, bag.entries, whole, wanted, (bytes) => {
        bag.report('reading_back', null, bytes);
      });
      if (isAborted(signal)) throw cancelled('The export');
      const receipt = { ...bag.summary(), packageId: options.packageId, ...whole };
      await options.register?.(receipt);
      await publish(temporary, file);
      await syncFolder(options.folder);
      return { ...receipt, file };
    } catch (error) {
      // A full disk stops the sources, whose own complaint about that may arrive first.
      const cause = zipFailure ?? error;
      failed.abort(cause);
      await zip?.abandon();
      await handle?.close();
      await unlink(temporary).catch(ignoreMissing);
      throw cause;
    } finally {
      await spool.close();
    }
  } catch (error) {
    if (isAborted(signal)) throw cancelled('The export');
    throw diskFailure(error) ?? error;
  }
}

/** The same as a folder: made under another name, synced, read back, renamed. */
async function writeFolder(
  options: PackageOptions,
  folder: string,
  signal: AbortSignal,
  failed: AbortController,
  progress: (progress: PackageProgress) => void,
): Promise<PackageReceipt> {
  const temporary = join(options.folder, temporaryName());
  const spool = newSpool(options.folder);
  await makePrivateFolder(temporary);
  try {
    const writer = openFolder(temporary);
    const bag = newBag(options, writer, spool, new Date(), signal, progress);
    await bag.writeCollections();
    await bag.writeFiles();
    await bag.seal();
    await writer.finish();
    const { entries } = bag;
    await compareEntries(readFolder(temporary, options.name), entries, signal, (bytes) => {
      bag.report('reading_back', null, bytes);
    });
    signal.throwIfAborted();
    await refuseExisting(folder);
    const receipt = {
      ...bag.summary(),
      packageId: options.packageId,
      bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
      sha256: entries.find(({ path }) => path.endsWith('/tagmanifest-sha256.txt'))?.sha256 ?? '',
    };
    await options.register?.(receipt);
    await rename(temporary, folder).catch((error: unknown) => {
      if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error))) throw nameTaken(folder);
      throw error;
    });
    await syncFolder(options.folder);
    return { ...receipt, file: folder };
  } catch (error) {
    failed.abort(error);
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    await spool.close();
  }
}

function newBag(
  options: PackageOptions,
  zip: Pick<ZipWriter, 'add'>,
  spool: Spool,
  made: Date,
  signal: AbortSignal,
  progress: (progress: PackageProgress) => void,
) {
  const entries: FileEntry[] = [];
  const collections: CollectionSummary[] = [];
  const index: Buffer[] = [];
  const shown: PageCollection[] = [];
  const shownFiles: PageFileEntry[] = [];
  let pageLeft: number = pageBytes.all;
  const files = { complete: 0, differing: 0, incomplete: 0, missing: 0, redacted: 0 };
  let rows = 0;
  let bytes = 0;
  let reported = 0;

  function report(phase: PackageProgress['phase'], collection: string | null, readBack?: number): void {
    const opened = Object.values(files).reduce((sum, each) => sum + each, 0);
    progress({ phase, collection, rows, files: opened, bytes: readBack ?? bytes });
  }

  async function put(
    path: string,
    content: AsyncIterable<Uint8Array>,
    compress: boolean,
    seen: (phase: Tally, chunk: Uint8Array) => void = () => undefined,
  ): Promise<Tally> {
    const tally = newTally();
    const counted = digesting(content, tally, (chunk) => {
      bytes += chunk.byteLength;
      seen(tally, chunk);
    });
    await zip.add(`${options.name}/${path}`, counted, { compress });
    entries.push({ path, bytes: tally.bytes, sha256: tally.sha256() });
    return tally;
  }

  async function putText(path: string, text: string): Promise<void> {
    await put(path, once(Buffer.from(text, 'utf8')), true);
  }

  async function writeCollections(): Promise<void> {
    const taken = new Set<string>();
    for await (const { name, title, columns, rows: source, expectedRows, reading } of whileWanted(
      iterate(options.collections),
      signal,
    )) {
      if (!isSafeName(name) || taken.has(name.toLowerCase())) {
        throw new ExpectedError(
          'invalid_input',
          'A collection of the data map has a name that can not be a file name, or two share one; rename it in the map.',
        );
      }
      taken.add(name.toLowerCase());
      const before = rows;
      report('records', name);
      const path = `data/records/${name}.jsonl`;
      const table = columns === undefined ? null : newTable(columns);
      const read = inBlocks(asLines(whileWanted(source(signal), signal)), blockBytes);
      const blocks = ahead(read, blocksAhead);
      const lines = table === null ? blocks : alsoTabled(blocks, table, spool);
      const sample = newSample(pageRows, Math.min(pageBytes.each, pageLeft));
      const tally = await put(path, lines, true, (tally, chunk) => {
        sample.add(chunk);
        rows = before + tally.lines;
        if (bytes - reported >= reportEvery) {
          reported = bytes;
          report('records', name);
        }
      });
      // The database counts while the table is written.
      const counting = expectedRows === undefined ? null : unlessAborted(expectedRows(signal), signal);
      counting?.catch(() => undefined);
      let further: Pick<CollectionSummary, 'table' | 'schema'> = {};
      if (columns !== undefined) {
        further = { table: `data/tables/${name}.csv`, schema: `data/schemas/${name}.schema.json` };
        await put(`data/tables/${name}.csv`, whileWanted(spool.read(), signal), true);
        await putText(`data/schemas/${name}.schema.json`, schemaText(name, title ?? name, columns));
      }
      const expected = await counting;
      if (expected !== null && expected !== tally.lines) {
        throw new ExpectedError(
          'conflict',
          `The export read ${String(tally.lines)} rows of ${name} where the database counts ${String(expected)}; nothing was kept, start the export again.`,
        );
      }
      const summary: CollectionSummary = {
        name,
        file: path,
        ...further,
        rows: tally.lines,
        rowsCounted: expected,
        bytes: tally.bytes,
        sha256: tally.sha256(),
        ...reading?.(),
      };
      collections.push(summary);
      pageLeft -= sample.bytes;
      shown.push({ title: title ?? name, columns: columns ?? null, summary, lines: sample.lines });
      report('records', name);
    }
  }

  async function writeFiles(): Promise<void> {
    let number = 0;
    const source = whileWanted(iterate(options.files), signal);
    const opening: Opening[] = [];
    try {
      for (;;) {
        while (opening.length < openedAhead) {
          const next = await source.next();
          if (next.done === true) break;
          opening.push(openAhead(next.value, signal));
        }
        const next = opening.shift();
        if (next === undefined) break;
        number += 1;
        report('files', null);
        const line = await writeFile(next, number);
        if (shownFiles.length < pageRows) shownFiles.push(line);
        index.push(Buffer.from(`${JSON.stringify(line)}\n`, 'utf8'));
      }
    } finally {
      await source.return(undefined);
      for (const { opened } of opening) await opened.then(endOf, () => undefined);
    }
    await put('data/files/index.jsonl', inBlocks(iterate(index), blockBytes), true);
    report('files', null);
  }

  /** Writes one object and gives its line in the index. */
  async function writeFile(
    { file, opened: opening }: Opening,
    number: number,
  ): Promise<PageFileEntry & Readonly<Record<string, unknown>>> {
    const { key, contentType, row = null, rowBytes = null, listedEtag = null, redaction = null } = file;
    if (redaction !== null) {
      files.redacted += 1;
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
    if (opened === 'gone' || opened === 'unreadable_key') {
      files.missing += 1;
      return { file: null, status: 'missing', reason: opened, bytes: null, sha256: null, ...known };
    }
    if (opened === null) throw new Error('an object that is not redacted was not opened');
    const { body } = opened;
    if (body.empty && (body.interrupted !== null || opened.bytes > 0)) {
      files.missing += 1;
      const reason = body.interrupted ?? 'gone';
      return { file: null, status: 'missing', reason, bytes: null, sha256: null, ...known };
    }
    const path = `data/files/${String(number).padStart(6, '0')}.${extensionOf(contentType)}`;
    const tally = await put(path, body.content, !isCompressedType(contentType), () => {
      if (bytes - reported >= reportEvery) {
        reported = bytes;
        report('files', null);
      }
    }).finally(body.end);
    const sha256 = tally.sha256();
    const written = { file: path, bytes: tally.bytes, sha256, ...known };
    if (body.interrupted !== null || tally.bytes !== opened.bytes) {
      files.incomplete += 1;
      return { ...written, status: 'incomplete', reason: body.interrupted ?? 'gone' };
    }
    const differs = [
      ...(rowBytes !== null && rowBytes !== tally.bytes ? ['bytes'] : []),
      ...(rowSha256 !== null && rowSha256 !== sha256 ? ['sha256'] : []),
      ...(listedEtag !== null && opened.etag !== undefined && listedEtag !== opened.etag ? ['etag'] : []),
    ];
    if (differs.length > 0) {
      files.differing += 1;
      return { ...written, status: 'differs', differs };
    }
    files.complete += 1;
    return { ...written, status: 'complete' };
  }

  async function seal(): Promise<void> {
    report('sealing', null);
    const { redactions = [] } = options;
    for (const { path, text } of options.extras ?? []) await putText(path, text);
    if (redactions.length > 0) await putText('data/redactions.jsonl', redactionsText(redactions));
    const snapshots = options.snapshots?.() ?? null;
    const more = await options.processing?.();
    const page = pageText({
      ...options,
      language: options.language ?? 'en',
      made,
      snapshots: snapshots ?? [],
      collections: shown,
      files: { first: shownFiles, all: index.length },
      information: options.information ?? [],
      leftOut: more?.leftOut ?? [],
      redactions,
    });
    await put('data/index.html', inBlocks(asLines(iterate(page)), blockBytes), true);
    const processing = {
      ...more,
      ...(snapshots === null ? {} : snapshotText(snapshots, collections)),
      packageId: options.packageId,
      requestNumber: options.requestNumber,
      subjectReference: options.subjectReference,
      ...(options.subjectKind === undefined ? {} : { subjectKind: options.subjectKind }),
      controller: options.controller ?? null,
      program: options.program,
      redacted: redactionCounts(redactions),
      finished: new Date().toISOString(),
      collections,
      files,
    };
    await putText('data/processing.json', `${JSON.stringify(processing, null, 2)}\n`);
    const payload = entries.filter(({ path }) => path.startsWith('data/'));
    await putText('bagit.txt', bagitText);
    await putText('VERIFY.txt', verifyText(options.name));
    await putText(
      'bag-info.txt',
      bagInfoText({
        ...options,
        signer: options.signer?.fingerprint ?? null,
        made,
        payload,
        collections,
        files,
        redactions: redactions.length,
        snapshots: snapshots?.length ?? null,
      }),
    );
    await putText('manifest-sha256.txt', manifestText(payload));
    const tags = entries.filter(({ path }) => !path.startsWith('data/'));
    const tagManifest = manifestText(tags);
    await putText('tagmanifest-sha256.txt', tagManifest);
    // What signs the tag manifest can't stand in it.
    for (const [path, content] of options.signer?.sign(Buffer.from(tagManifest)) ?? [])
      await put(path, once(content), true);
  }

  function summary() {
    const payload = entries.filter(({ path }) => path.startsWith('data/'));
    return {
      payloadBytes: payload.reduce((sum, { bytes }) => sum + bytes, 0),
      payloadFiles: payload.length,
      collections,
      files,
    };
  }

  return {
    /** Paths as the zip has them. */
    get entries(): readonly FileEntry[] {
      return entries.map((entry) => ({ ...entry, path: `${options.name}/${entry.path}` }));
    },
    report,
    writeCollections,
    writeFiles,
    seal,
    summary,
  };
}

/** Reads the package from the disk and compares every byte's hash with what was meant to be written. */
async function readBack(
  temporary: string,
  encryption: Encryption | undefined,
  expected: readonly FileEntry[],
  whole: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<void> {
  const zip =
    encryption === undefined
      ? await openFile(temporary)
      : await openSealed(temporary, encryption.opener()).catch((error: unknown) => {
          throw error instanceof BrokenZip ? notReadBack() : error;
        });
  const failed = new AbortController();
  const wanted = AbortSignal.any([signal, failed.signal]);
  const works = [
    compareEntries(readZip(zip), expected, wanted, read),
    compareWhole(temporary, whole, wanted),
  ];
  try {
    await Promise.all(works);
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(works);
    await zip.close();
  }
}

async function compareWhole(
  file: string,
  whole: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const tally = newTally();
  const handle = await open(file, 'r');
  try {
    const stream = handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 });
    for await (const chunk of digesting(whileWanted(stream, signal), tally)) void chunk;
  } finally {
    await handle.close();
  }
  if (tally.bytes !== whole.bytes || tally.sha256() !== whole.sha256) throw notReadBack();
}

function notReadBack(): ExpectedError {
  return new ExpectedError(
    'disk',
    'The package could not be read back as it was written, so it was thrown away; choose another folder or medium and export again.',
  );
}

/** Holds every file that lies there against the hash of what was meant to be written; none may be missing or too many. */
async function compareEntries(
  found: AsyncIterable<ReadEntry>,
  expected: readonly FileEntry[],
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<void> {
  const left = new Map(expected.map((entry) => [entry.path, entry]));
  const failed = new AbortController();
  const wanted = AbortSignal.any([signal, failed.signal]);
  let bytes = 0;
  let reported = 0;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.byteLength;
    if (bytes - reported < reportEvery) return;
    reported = bytes;
    read(bytes);
  };
  const compare = async (entry: ReadEntry): Promise<void> => {
    const tally = newTally();
    for await (const chunk of digesting(whileWanted(entry.read(), wanted), tally)) count(chunk);
    const meant = left.get(entry.path);
    if (meant?.bytes !== tally.bytes || meant.sha256 !== tally.sha256()) throw notReadBack();
    left.delete(entry.path);
  };
  read(0);
  const comparing = new Set<Promise<void>>();
  try {
    for await (const entry of found) {
      if (entry.problem !== null) throw notReadBack();
      const one = compare(entry)
        .catch((error: unknown) => {
          failed.abort(error);
        })
        .finally(() => comparing.delete(one));
      comparing.add(one);
      if (comparing.size >= comparedAtOnce) await Promise.race(comparing);
      failed.signal.throwIfAborted();
    }
    await Promise.all(comparing);
    failed.signal.throwIfAborted();
  } catch (error) {
    failed.abort(error);
    throw error instanceof BrokenZip ? notReadBack() : error;
  } finally {
    await Promise.all(comparing);
  }
  if (left.size > 0) throw notReadBack();
  read(bytes);
}

function checkNames(options: PackageOptions): void {
  const opaque = [options.packageId, options.requestNumber, options.subjectReference];
  const fine =
    isSafeName(options.name) &&
    opaque.every((text) => /^[\w.:-]{1,100}$/.test(text)) &&
    /^[\w .:/-]{1,100}$/.test(options.program);
  if (!fine) {
    throw new ExpectedError(
      'invalid_input',
      'The name or number of the package holds characters that can not stand in a file name; use letters, digits and dashes.',
    );
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

async function* once<Item>(item: Item): AsyncGenerator<Item> {
  yield await Promise.resolve(item);
}

async function* iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items;
}

/** Hands the lines on and keeps the records of their table in the spool. */
async function* alsoTabled(
  lines: AsyncIterable<Uint8Array>,
  table: TableWriter,
  spool: Spool,
): AsyncGenerator<Uint8Array> {
  await spool.write(table.head);
  for await (const chunk of lines) {
    await spool.write(table.add(chunk));
    yield chunk;
  }
}

/** An object on its way: asked for while earlier ones are written. */
interface Opening {
  readonly file: PackageFile;
  /** Null for one that is kept back and so not asked for. */
  readonly opened: Promise<OpenedFile | Absent | null>;
}

interface OpenedFile extends Partial<OpenObject> {
  readonly bytes: number;
  readonly body: Body;
}

/** A body whose first bytes have been read; an interruption ends it and is noted instead of thrown. */
interface Body {
  readonly empty: boolean;
  readonly interrupted: 'gone' | 'changed' | null;
  readonly content: AsyncIterable<Uint8Array>;
  readonly end: () => Promise<void>;
}

function openAhead(file: PackageFile, signal: AbortSignal): Opening {
  const opened = (file.redaction ?? null) === null ? openFileOf(file, signal) : Promise.resolve(null);
  // It is told when it is its turn.
  opened.catch(() => undefined);
  return { file, opened };
}

async function openFileOf(file: PackageFile, signal: AbortSignal): Promise<OpenedFile | Absent> {
  const opened = await unlessAborted(file.open(signal), signal);
  if (typeof opened === 'string') return opened;
  // The first bytes are asked for before the entry begins, so that a missing object never becomes an empty file.
  return { ...opened, body: await begin(whileWanted<Uint8Array>(opened.stream, signal)) };
}

async function endOf(opened: OpenedFile | Absent | null): Promise<void> {
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
