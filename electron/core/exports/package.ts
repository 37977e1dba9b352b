import { open, rename, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageForm, PageLanguage } from '#shared/contract/exports.ts';
import { ExpectedError, cancelled } from '../kernel/errors.ts';
import { asLines, blockBytes, inBlocks, iterate } from './blocks.ts';
import { inflated } from './deflater.ts';
import { digesting, newTally, reportEvery, whileWanted } from './digest.ts';
import type { Tally } from './digest.ts';
import { codeOf, diskFailure, ignoreMissing, nameTaken, publish, refuseExisting } from './disk.ts';
import { packFiles } from './files.ts';
import type { PackageFile } from './files.ts';
import { follow } from './follower.ts';
import { makePrivateFolder, openFolder, readFolder, syncFolder } from './folder.ts';
import { temporaryName } from './leftovers.ts';
import { mended, type Mend } from './mending.ts';
import { bagitText, bagInfoText, isSafeName, manifestText, snapshotText, verifyText } from './format.ts';
import type { CollectionSummary, FileEntry, FileSummary, Resumption, SnapshotSummary } from './format.ts';
import { newSample, pageText } from './page/page.ts';
import type { LeftOutInWords, PageCollection, PageFileEntry, PageInformation } from './page/page.ts';
import { compareEntries, readBack } from './readBack.ts';
import { redactionCounts, redactionsText, type Redaction } from './redactions.ts';
import { schemaText } from './schema.ts';
import type { PackageColumn } from './schema.ts';
import type { Encryption } from './seal/age.ts';
import type { Signer } from '#core/signing/index.ts';
import { signedFiles } from './seal/packageSignature.ts';
import { stageCollection, type PackageCollection } from './stageCollection.ts';
import type { StagedCollection, StagedPart, Staging } from './staging.ts';
import { openZip } from './zipWriter.ts';
import type { ZipWriter } from './zipWriter.ts';

export type { PackageCollection };

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
  /** Called when all collections are read and before the files are asked for; gives how many there are, null where nobody knows. */
  readonly listFiles?: (signal: AbortSignal) => Promise<number | null>;
  /** Where what is read waits for its turn; what is finished there is not read again. */
  readonly staging: Staging;
  /** Asked when reading fails. */
  readonly mend?: Mend;
  /** The snapshots of the database that were read from, asked when all sources have ended. */
  readonly snapshots?: () => readonly SnapshotSummary[];
  /** When it was interrupted and resumed, and which snapshot came next; asked with them. */
  readonly resumed?: () => readonly Resumption[];
  /** Further texts of the payload, small enough to be held. */
  readonly extras?: readonly { readonly path: string; readonly text: string }[];
  /** More for `data/processing.json` (map hash, what was left out); asked when all sources have ended. */
  readonly processing?: () => Processing | Promise<Processing>;
  /** What `data/index.html` is written in; English where missing. */
  readonly language?: PageLanguage;
  /** What that page tells beside the data, e.g. why they are held. */
  readonly information?: readonly PageInformation[];
  /** What the data map's texts are in that language, by the text. */
  readonly translations?: ReadonlyMap<string, string>;
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
  /** The collection being read, in the phase `records` only. */
  readonly collection: string | null;
  /** Rows of that collection so far. */
  readonly rows: number;
  /** Objects and bytes so far; bytes start again at 0 for reading back. */
  readonly files: number;
  readonly bytes: number;
  /** Collections that are read. */
  readonly collections: number;
  /** How many there are of each; null while nobody knows. */
  readonly inAll: {
    readonly collections: number | null;
    readonly rows: number | null;
    readonly files: number | null;
    readonly bytes: number | null;
  };
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

/** What the page shows of one collection and of all, in bytes of its records; and how many rows or files. */
const pageBytes = { each: 512 * 1024, all: 4 * 1024 * 1024 } as const;
const pageRows = 500;

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
    await options.staging.claim();
    const receipt =
      options.form === 'folder'
        ? await writeFolder(options, file, wanted, failed, progress)
        : await writeZip(options, file, wanted, failed, progress);
    await options.staging.remove().catch(() => undefined);
    return receipt;
  } catch (error) {
    const cause = isAborted(signal) ? cancelled('The export') : (diskFailure(error) ?? error);
    // Only what was interrupted can go on.
    const over = cause instanceof ExportInterrupted ? options.staging.release() : options.staging.remove();
    await over.catch(() => undefined);
    throw cause;
  }
}

/** The export stopped for a reason that may pass; what it has read is kept. */
export class ExportInterrupted extends ExpectedError {}

async function writeZip(
  options: PackageOptions,
  file: string,
  signal: AbortSignal,
  failed: AbortController,
  progress: (progress: PackageProgress) => void,
): Promise<PackageReceipt> {
  const temporary = join(options.folder, temporaryName());
  let handle: FileHandle | undefined = await open(temporary, 'wx', 0o600);
  const follower = follow(temporary);
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
      follower,
    );
    const bag = newBag(options, zip, made, signal, progress);
    await bag.write();
    const written = await zip.finish();
    await handle.sync();
    await handle.close();
    handle = undefined;
    const report = (bytes: number): void => {
      bag.report('reading_back', null, bytes);
    };
    const { encryption } = options;
    const sha256 = await readBack(temporary, encryption, bag.entries, written, follower, signal, report);
    await follower.close();
    signal.throwIfAborted();
    const receipt = { ...bag.summary(), packageId: options.packageId, bytes: written.bytes, sha256 };
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
    await follower.close();
    await unlink(temporary).catch(ignoreMissing);
    throw cause;
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
  await makePrivateFolder(temporary);
  try {
    const writer = openFolder(temporary);
    const bag = newBag(options, writer, new Date(), signal, progress);
    await bag.write();
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
  }
}

function newBag(
  options: PackageOptions,
  zip: Pick<ZipWriter, 'add' | 'addDeflated'>,
  made: Date,
  signal: AbortSignal,
  progress: (progress: PackageProgress) => void,
) {
  const entries: FileEntry[] = [];
  const read: ReadCollection[] = [];
  const index: Buffer[] = [];
  const shownFiles: PageFileEntry[] = [];
  const files = { complete: 0, differing: 0, incomplete: 0, missing: 0, unavailable: 0, redacted: 0 };
  let rows = 0;
  let rowsInAll: number | null = null;
  let bytes = 0;
  let reported = 0;
  let filesInAll: number | null = null;

  function report(phase: PackageProgress['phase'], collection: string | null, readBack?: number): void {
    const { complete, differing, incomplete, missing, redacted } = files;
    progress({
      phase,
      collection,
      rows,
      files: complete + differing + incomplete + missing + redacted,
      bytes: readBack ?? bytes,
      collections: read.length,
      inAll: {
        collections: Array.isArray(options.collections) ? options.collections.length : null,
        rows: rowsInAll,
        files: filesInAll,
        // What is read back is what was written; before that nobody knows what is still to come.
        bytes: readBack === undefined ? null : entries.reduce((sum, entry) => sum + entry.bytes, 0),
      },
    });
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

  async function readCollections(): Promise<void> {
    const taken = new Set<string>();
    for await (const collection of whileWanted(iterate(options.collections), signal)) {
      const { name, title, columns = null } = collection;
      if (!isSafeName(name) || taken.has(name.toLowerCase())) {
        throw new ExpectedError(
          'invalid_input',
          'A collection of the data map has a name that can not be a file name, or two share one; rename it in the map.',
        );
      }
      taken.add(name.toLowerCase());
      let staged = options.staging.finished.get(name);
      if (staged === undefined) {
        report('records', name);
        staged = await stage(collection);
        await options.staging.finish(staged);
      }
      bytes += staged.records.bytes;
      read.push({ title: title ?? name, columns, staged, summary: summaryOf(staged) });
      report('records', null);
    }
  }

  async function stage(collection: PackageCollection): Promise<StagedCollection> {
    const before = bytes;
    const reading = async (): Promise<StagedCollection> => {
      try {
        return await stageCollection(collection, options.staging, signal, (tally, inAll) => {
          rows = tally.lines;
          rowsInAll = inAll;
          bytes = before + tally.bytes;
          if (bytes - reported < reportEvery) return;
          reported = bytes;
          report('records', collection.name);
        });
      } finally {
        [rows, rowsInAll, bytes] = [0, null, before];
      }
    };
    return mended(reading, options.mend, signal);
  }

  /** Puts what was read into the package; it is deflated already. */
  async function writeCollections(): Promise<void> {
    const copy = async (path: string, part: StagedPart): Promise<void> => {
      const packed = whileWanted(options.staging.read(part), signal);
      await zip.addDeflated(`${options.name}/${path}`, packed, part);
      entries.push({ path, bytes: part.bytes, sha256: part.sha256 });
    };
    for (const { title, columns, staged, summary } of read) {
      await copy(summary.file, staged.records);
      if (columns === null || staged.table === null) continue;
      await copy(`data/tables/${staged.name}.csv`, staged.table);
      await putText(`data/schemas/${staged.name}.schema.json`, schemaText(staged.name, title, columns));
    }
  }

  /** What the page shows of them: the first records, taken from what was read. */
  async function shownOf(): Promise<readonly PageCollection[]> {
    const shown: PageCollection[] = [];
    let left: number = pageBytes.all;
    for (const { title, columns, staged, summary } of read) {
      const sample = newSample(pageRows, Math.min(pageBytes.each, left));
      let seen = 0;
      for await (const chunk of inflated(options.staging.read(staged.records))) {
        sample.add(chunk);
        seen += chunk.byteLength;
        if (seen > pageBytes.each || sample.lines.length === pageRows) break;
      }
      left -= sample.bytes;
      shown.push({ title, columns, summary, lines: sample.lines });
    }
    return shown;
  }

  async function writeFiles(): Promise<void> {
    await packFiles(
      options.files,
      {
        put,
        counts: files,
        told: (line) => {
          if (shownFiles.length < pageRows) shownFiles.push(line);
          index.push(Buffer.from(`${JSON.stringify(line)}\n`, 'utf8'));
        },
        report: () => {
          report('files', null);
        },
      },
      signal,
    );
    await put('data/files/index.jsonl', inBlocks(iterate(index), blockBytes), true);
    report('files', null);
  }

  async function seal(): Promise<void> {
    report('sealing', null);
    const collections = read.map((each) => each.summary);
    const { redactions = [] } = options;
    for (const { path, text } of options.extras ?? []) await putText(path, text);
    if (redactions.length > 0) await putText('data/redactions.jsonl', redactionsText(redactions));
    const snapshots = options.snapshots?.() ?? null;
    const resumed = options.resumed?.() ?? [];
    const more = await options.processing?.();
    const page = pageText({
      ...options,
      language: options.language ?? 'en',
      made,
      snapshots: snapshots ?? [],
      resumed: resumed.length > 0,
      collections: await shownOf(),
      files: { first: shownFiles, all: index.length },
      information: options.information ?? [],
      leftOut: more?.leftOut ?? [],
      redactions,
    });
    await put('data/index.html', inBlocks(asLines(iterate(page)), blockBytes), true);
    const processing = {
      ...more,
      ...(snapshots === null ? {} : snapshotText(snapshots, collections, resumed)),
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
        resumed: resumed.length,
      }),
    );
    await putText('manifest-sha256.txt', manifestText(payload));
    const tags = entries.filter(({ path }) => !path.startsWith('data/'));
    const tagManifest = manifestText(tags);
    await putText('tagmanifest-sha256.txt', tagManifest);
    // What signs the tag manifest can't stand in it.
    const { signer } = options;
    for (const [path, content] of signer === undefined ? [] : signedFiles(signer, Buffer.from(tagManifest)))
      await put(path, once(content), true);
  }

  function summary() {
    const payload = entries.filter(({ path }) => path.startsWith('data/'));
    return {
      payloadBytes: payload.reduce((sum, { bytes }) => sum + bytes, 0),
      payloadFiles: payload.length,
      collections: read.map((each) => each.summary),
      files,
    };
  }

  return {
    /** Paths as the zip has them. */
    get entries(): readonly FileEntry[] {
      return entries.map((entry) => ({ ...entry, path: `${options.name}/${entry.path}` }));
    },
    report,
    /**
     * All of it: first everything is read that the database has, so that it keeps its past for no longer than that
     * takes, however slow the medium is.
     */
    async write() {
      await readCollections();
      const list = async (): Promise<number | null> => (await options.listFiles?.(signal)) ?? null;
      filesInAll = await mended(list, options.mend, signal);
      await writeCollections();
      await writeFiles();
      await seal();
    },
    summary,
  };
}

/** A collection that was read, by now or before. */
interface ReadCollection {
  readonly title: string;
  readonly columns: readonly PackageColumn[] | null;
  readonly staged: StagedCollection;
  readonly summary: CollectionSummary;
}

function summaryOf({
  name,
  records,
  table,
  rows,
  rowsCounted,
  reading,
}: StagedCollection): CollectionSummary {
  return {
    name,
    file: `data/records/${name}.jsonl`,
    ...(table === null
      ? {}
      : { table: `data/tables/${name}.csv`, schema: `data/schemas/${name}.schema.json` }),
    rows,
    rowsCounted,
    bytes: records.bytes,
    sha256: records.sha256,
    ...reading,
  };
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
