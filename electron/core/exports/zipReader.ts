import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { TransformOptions } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import type { ZlibOptions } from 'node:zlib';
import { fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';

/** What is wrong with the zip as a zip; `path` is the entry concerned, as text. */
export class BrokenZip extends Error {
  override readonly name = 'BrokenZip';
  readonly kind: 'truncated' | 'malformed' | 'unsafe_name' | 'changed';
  readonly path: string | null;

  constructor(kind: BrokenZip['kind'], message: string, path: string | null = null) {
    super(message);
    this.kind = kind;
    this.path = path;
  }
}

/** One entry; `problem` is set when its header must not be believed. */
export interface ReadEntry {
  readonly path: string;
  readonly isFolder: boolean;
  readonly problem: BrokenZip | null;
  /** Where its bytes stand in the zip, and what the directory says of them; null in a folder. */
  readonly content: ContentPlace | null;
  /** Its bytes, inflated; throws {@link BrokenZip} (`changed`) when size or CRC-32 is not what the zip says. */
  read(): AsyncGenerator<Uint8Array>;
}

/** Where what an entry holds stands in the zip. */
export interface ContentPlace {
  readonly from: number;
  readonly to: number;
  readonly isDeflated: boolean;
  /** Inflated, as is the CRC-32. */
  readonly bytes: number;
  readonly crc: number;
}

/** The bytes of a zip, wherever they lie; ranges are asked for in any order. */
export interface ZipBytes {
  readonly bytes: number;
  /** Bytes from `from` up to, without, `to`. Throws {@link BrokenZip} where they are damaged. */
  range(from: number, to: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Read or inflated at a time. */
export const pieceBytes = 256 * 1024;
/** Piece by piece as they are made: joined with the next, each would be copied. */
const inflateOptions: ZlibOptions & Pick<TransformOptions, 'readableObjectMode' | 'readableHighWaterMark'> = {
  chunkSize: pieceBytes,
  readableObjectMode: true,
  readableHighWaterMark: 2,
};
/** An entry no larger than this is read and inflated at once: streams cost more than the work. */
const smallBytes = 64 * 1024;
/** Read at a time where only headers are looked at. */
export const headerPieceBytes = 8 * 1024;
/** Pieces kept for what is read next: the directory and the entries are read side by side. */
const keptPieces = 3;
const deflated = 8;
const localHeaderBytes = 30;
const largestDataDescriptor = 24;
/** Zip64, extended timestamp, Unix owner: the only extra fields that can't give an entry another name. */
const harmlessExtraFields: ReadonlySet<number> = new Set([0x0001, 0x5455, 0x7875]);

/** A zip that lies in a file. Throws the system's error where there is none. */
export async function openFile(file: string): Promise<ZipBytes> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    return {
      bytes: size,
      async *range(from, to) {
        for (let at = from; at < to;) {
          const wanted = Math.min(pieceBytes, to - at);
          const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
          if (bytesRead === 0) throw new Error('unexpected end');
          yield buffer.subarray(0, bytesRead);
          at += bytesRead;
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads a zip entry by entry, by a library other than the one that wrote it.
 * Believes nothing: local headers are compared with the directory, entries may
 * not overlap or hide bytes between them, which only a reading of them all can
 * tell; with `only`, others than those it wants are passed over. What an entry
 * holds can be read as long as `bytes` is open. Throws {@link BrokenZip}.
 */
export async function* readZip(
  bytes: ZipBytes,
  only?: (path: string) => boolean,
  atOnce = pieceBytes,
): AsyncGenerator<ReadEntry> {
  const reader = new BytesReader(bytes, atOnce);
  let zip: ZipFile;
  try {
    // Names are decoded here: the library would stop at the first unsafe one.
    zip = await fromRandomAccessReaderPromise(reader, bytes.bytes, {
      lazyEntries: true,
      autoClose: false,
      decodeStrings: false,
    });
  } catch (error) {
    if (error instanceof BrokenZip || isFileError(error)) throw error;
    throw new BrokenZip('truncated', 'The file is not a complete zip: its end is missing or damaged.');
  }
  const extents: { readonly start: number; readonly end: number }[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      if (only?.(entry.fileNameRaw.toString('utf8')) !== false)
        yield await examine(zip, reader, entry, extents);
    }
    if (only === undefined) checkLayout(extents);
  } catch (error) {
    if (error instanceof BrokenZip || isFileError(error)) throw error;
    // Only yauzl throws here, always plain Errors, on directories that contradict themselves.
    throw new BrokenZip('malformed', 'The directory of the zip is damaged.');
  } finally {
    zip.close();
  }
}

/** What the library reads with: it asks for a subclass. The bytes stay their owner's to close. */
class BytesReader extends RandomAccessReader {
  readonly #source: ZipBytes;
  /** Bytes read at once where fewer are asked for. */
  readonly #atOnce: number;
  readonly #kept: { readonly from: number; readonly bytes: Buffer }[] = [];

  constructor(source: ZipBytes, atOnce: number) {
    super();
    this.#source = source;
    this.#atOnce = atOnce;
  }

  /** Bytes from `from` up to, without, `to`, as they pass by. */
  range(from: number, to: number): AsyncIterable<Uint8Array> {
    return this.#source.range(from, to);
  }

  /** Few bytes at once, mostly out of a piece that was read before. Throws a plain Error where the source ends before. */
  async bytes(from: number, to: number): Promise<Buffer> {
    const kept = this.#kept.find((each) => each.from <= from && to <= each.from + each.bytes.byteLength);
    if (kept !== undefined) return kept.bytes.subarray(from - kept.from, to - kept.from);
    const end = Math.min(this.#source.bytes, Math.max(to, from + this.#atOnce));
    if (end < to) throw new Error('unexpected end');
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#source.range(from, end)) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (bytes.byteLength < to - from) throw new Error('unexpected end');
    this.#kept.unshift({ from, bytes });
    this.#kept.splice(keptPieces);
    return bytes.subarray(0, to - from);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.bytes(position, position + length).then((bytes) => {
      buffer.set(bytes, offset);
      callback(null);
    }, callback);
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

async function examine(
  zip: ZipFile,
  reader: BytesReader,
  entry: Entry,
  extents: { start: number; end: number }[],
): Promise<ReadEntry> {
  const path = entry.fileNameRaw.toString('utf8');
  const isFolder = path.endsWith('/');
  let problem = problemOfHeader(entry, path);
  let start: number | null = null;
  try {
    const local = await zip.readLocalFileHeaderPromise(entry);
    start = local.fileDataStart;
    extents.push({
      start: entry.relativeOffsetOfLocalHeader,
      end: local.fileDataStart + entry.compressedSize,
    });
    if (!local.fileName.equals(entry.fileNameRaw)) {
      problem ??= new BrokenZip(
        'malformed',
        'It has another name inside the zip than in its directory.',
        path,
      );
    }
    if (local.compressionMethod !== entry.compressionMethod) {
      problem ??= new BrokenZip('malformed', 'Its header contradicts the directory of the zip.', path);
    }
    if (local.extraField.length > 0 && !hasOnlyHarmlessFields(local.extraField)) {
      problem ??= new BrokenZip('malformed', 'Its header has a field that could give it another name.', path);
    }
  } catch (error) {
    if (isFileError(error) || error instanceof BrokenZip) throw error;
    problem ??= new BrokenZip('malformed', 'Its header is damaged or lies outside the file.', path);
  }
  const place =
    start === null
      ? null
      : {
          from: start,
          to: start + entry.compressedSize,
          isDeflated: entry.compressionMethod === deflated,
          bytes: entry.uncompressedSize,
          crc: entry.crc32,
        };
  return { path, isFolder, problem, content: place, read: () => content(reader, start, entry, path) };
}

function problemOfHeader(entry: Entry, path: string): BrokenZip | null {
  const kind = (entry.externalFileAttributes >>> 16) & 0o170000;
  const regular = kind === 0 || kind === 0o100000 || (kind === 0o040000 && path.endsWith('/'));
  if (!isSafePath(path) || !Buffer.from(path, 'utf8').equals(entry.fileNameRaw)) {
    return new BrokenZip(
      'unsafe_name',
      'Its name could be unpacked somewhere else or as something else.',
      path,
    );
  }
  if (!regular) return new BrokenZip('malformed', 'It is a link or a device, not a file.', path);
  if (entry.isEncrypted() || ![0, deflated].includes(entry.compressionMethod)) {
    return new BrokenZip('malformed', 'It is packed in a way this format does not use.', path);
  }
  if (entry.extraFields.some(({ id }) => !harmlessExtraFields.has(id))) {
    return new BrokenZip('malformed', 'Its header has a field that could give it another name.', path);
  }
  return null;
}

async function* content(
  reader: BytesReader,
  start: number | null,
  entry: Entry,
  path: string,
): AsyncGenerator<Uint8Array> {
  let crc = 0;
  let bytes = 0;
  try {
    if (start === null) throw new Error('its header is damaged');
    for await (const chunk of unpacked(reader, start, entry)) {
      crc = crc32(chunk, crc);
      bytes += chunk.byteLength;
      // What unpacks to more than it says may unpack to more than anybody has room for.
      if (bytes > entry.uncompressedSize) break;
      yield chunk;
    }
  } catch (error) {
    if (isFileError(error)) throw error;
    // Damage below the zip is none of this entry's making.
    if (error instanceof BrokenZip) throw new BrokenZip(error.kind, error.message, path);
    throw new BrokenZip('changed', 'Its bytes can not be unpacked.', path);
  }
  if (crc !== entry.crc32 || bytes !== entry.uncompressedSize) {
    throw new BrokenZip('changed', 'Its bytes are not those the zip was made of.', path);
  }
}

async function* unpacked(reader: BytesReader, start: number, entry: Entry): AsyncGenerator<Uint8Array> {
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  const end = start + compressedSize;
  if (compressedSize <= smallBytes && uncompressedSize <= smallBytes) {
    const packed = await reader.bytes(start, end);
    yield compressionMethod === deflated ? inflateRawSync(packed, { maxOutputLength: smallBytes }) : packed;
  } else if (compressionMethod === deflated) {
    const inflate = createInflateRaw(inflateOptions);
    // Its failure is told by the stream that is read.
    pipeline(Readable.from(reader.range(start, end), { objectMode: false }), inflate).catch(() => undefined);
    yield* inflate as AsyncIterable<Uint8Array>;
  } else if (end > start) {
    yield* reader.range(start, end);
  }
}

function checkLayout(extents: { readonly start: number; readonly end: number }[]): void {
  let end = 0;
  for (const extent of extents.toSorted((one, other) => one.start - other.start)) {
    const gap = extent.start - end;
    if (gap < 0) throw new BrokenZip('malformed', 'Entries of the zip lie over each other.');
    if (gap > (end === 0 ? 0 : largestDataDescriptor)) {
      throw new BrokenZip('malformed', 'The zip hides bytes between its entries.');
    }
    end = Math.max(extent.end, extent.start + localHeaderBytes);
  }
}

function hasOnlyHarmlessFields(extra: Buffer): boolean {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (!harmlessExtraFields.has(extra.readUInt16LE(at))) return false;
  }
  return true;
}

/** Names Windows keeps for devices, with or without an ending. */
const reservedOnWindows = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** Whether a path unpacks to the same name, below the folder it is unpacked in, on every system. */
export function isSafePath(path: string): boolean {
  if (path.length > 240) return false;
  const segments = (path.endsWith('/') ? path.slice(0, -1) : path).split('/');
  return segments.every(
    (segment) =>
      /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(segment) &&
      !segment.endsWith('.') &&
      !reservedOnWindows.test(segment),
  );
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
