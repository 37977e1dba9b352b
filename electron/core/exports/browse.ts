import type { OutputOf } from '#shared/contract/index.ts';
import type { PackageFile, pictureTypes } from '#shared/contract/exports.ts';
import { ExpectedError } from '../kernel/errors.ts';
import { fieldsOf, parsed } from './about.ts';
import { whileWanted } from './digest.ts';
import { isSafeName } from './format.ts';
import { withPackage, type OpenPackage } from './opening.ts';
import { largestSchema } from './recordCheck.ts';
import type { Opener } from './seal/age.ts';
import { BrokenZip } from './zipReader.ts';

/** A package to look into, and what opens it. */
export interface Browsed {
  readonly file: string;
  readonly opener?: Opener;
  readonly signal: AbortSignal;
}

/** A part of a list of lines. */
export interface Page {
  /** The first line, from 1. */
  readonly from: number;
  readonly limit: number;
}

/** Characters shown of one value; a package holds all of it. */
const longestValue = 4_000;
/** A line that is longer is not shown, in bytes: it would take several times that to be read. */
const longestLine = 32 * 1024 * 1024;
/** A page of rows that are larger has fewer of them; in bytes. */
const largestPage = 16 * 1024 * 1024;
/** In bytes; more is no picture to look at in passing. */
const largestPicture = 32 * 1024 * 1024;

/**
 * Records of a collection from a line on, read as a stream and kept no longer
 * than they are shown. Throws `not_found` when the package has no such
 * collection, `refused` when it is damaged, and as {@link withPackage} does.
 */
export function recordsOf(
  { file, ...how }: Browsed,
  { collection, ...page }: Page & { readonly collection: string },
): Promise<OutputOf<'packages.records'>> {
  return withPackage(file, how, async (opened) => {
    const path = `data/records/${collection}.jsonl`;
    const read = isSafeName(collection)
      ? await readAt(opened, path, how.signal, (content) => linesFrom(content, page))
      : null;
    if (read === null) throw absent('collection');
    const records = read.lines.map(({ line, text }) => ({
      line,
      values: text === null ? {} : valuesOf(text),
      tooLong: text === null,
    }));
    const schema = `data/schemas/${collection}.schema.json`;
    const described = await readAt(opened, schema, how.signal, columnsOf);
    return { columns: described ?? columnsIn(records), records, next: read.next };
  });
}

/** The objects of a package, as its index has them. Throws as {@link recordsOf} does. */
export function filesOf({ file, ...how }: Browsed, page: Page): Promise<OutputOf<'packages.files'>> {
  return withPackage(file, how, async (opened) => {
    const path = 'data/files/index.jsonl';
    const read = await readAt(opened, path, how.signal, (content) => linesFrom(content, page));
    if (read === null) throw absent('index of files');
    return { files: read.lines.map(fileAt), next: read.next };
  });
}

/**
 * A picture of the package. Throws `invalid_input` when the file is none of the
 * kinds that are shown, or too large, and as {@link recordsOf} does.
 */
export function pictureAt({ file, ...how }: Browsed, path: string): Promise<OutputOf<'packages.picture'>> {
  return withPackage(file, how, async (opened) => {
    const bytes = path.startsWith('data/files/')
      ? await readAt(opened, path, how.signal, (content) => bytesOf(content, largestPicture))
      : null;
    if (bytes === null) throw absent('file');
    const type = pictureTypeOf(bytes);
    if (type === null || bytes.byteLength > largestPicture) {
      throw new ExpectedError(
        'invalid_input',
        'Only pictures (PNG, JPEG, GIF, WebP) of up to 32 MB are shown here; unpack the package to open this file with another program.',
      );
    }
    return { type, base64: bytes.toString('base64') };
  });
}

/** Tells a picture by its first bytes; null for anything else, whatever it is called. */
function pictureTypeOf(bytes: Buffer): (typeof pictureTypes)[number] | null {
  const begins = bytes.toString('latin1', 0, 12);
  if (begins.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (begins.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(begins)) return 'image/gif';
  if (/^RIFF....WEBP/s.test(begins)) return 'image/webp';
  return null;
}

function absent(what: string): ExpectedError {
  return new ExpectedError('not_found', `The package has no such ${what}; check it to see what it holds.`);
}

/** What `read` makes of the entry of that path; null when there is none. */
async function readAt<Value>(
  opened: OpenPackage,
  path: string,
  signal: AbortSignal,
  read: (content: AsyncIterable<Uint8Array>) => Promise<Value>,
): Promise<Value | null> {
  try {
    for await (const entry of opened.entries((each) => each === path)) {
      if (entry.problem !== null) throw entry.problem;
      return await read(whileWanted(entry.read(), signal));
    }
    return null;
  } catch (error) {
    if (!(error instanceof BrokenZip)) throw error;
    throw new ExpectedError(
      'refused',
      'This part of the package is damaged; check the package to see what is wrong with it.',
      { cause: error },
    );
  }
}

interface Line {
  /** From 1. */
  readonly line: number;
  /** Null where it is too long to be shown. */
  readonly text: string | null;
}

/** Lines from one on; what lies before them is counted and not kept. */
async function linesFrom(
  content: AsyncIterable<Uint8Array>,
  { from, limit }: Page,
): Promise<{ readonly lines: readonly Line[]; readonly next: number | null }> {
  const lines: Line[] = [];
  let line = 1;
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let pageBytes = 0;
  for await (const chunk of content) {
    for (let at = 0; at < chunk.byteLength;) {
      if (lines.length === limit || pageBytes > largestPage) return { lines, next: line };
      const end = chunk.indexOf(0x0a, at);
      if (line >= from) {
        const piece = chunk.subarray(at, end === -1 ? chunk.byteLength : end);
        keptBytes += piece.byteLength;
        if (keptBytes <= longestLine) kept.push(piece);
        else kept = [];
      }
      if (end === -1) break;
      at = end + 1;
      if (line >= from) {
        const fits = keptBytes <= longestLine;
        lines.push({ line, text: fits ? Buffer.concat(kept).toString('utf8') : null });
        pageBytes += fits ? keptBytes : 0;
        kept = [];
        keptBytes = 0;
      }
      line += 1;
    }
  }
  return { lines, next: null };
}

/** The first bytes of an entry, one more than `most` where there are more. */
async function bytesOf(content: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    kept.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > most) break;
  }
  return Buffer.concat(kept).subarray(0, most + 1);
}

/** The columns of a schema; null when it tells none. */
async function columnsOf(
  content: AsyncIterable<Uint8Array>,
): Promise<OutputOf<'packages.records'>['columns'] | null> {
  const schema = fieldsOf(parsed((await bytesOf(content, largestSchema)).toString('utf8')));
  const columns = Object.entries(fieldsOf(schema?.['properties']) ?? {}).map(([name, each]) => {
    const title = fieldsOf(each)?.['title'];
    return { name, title: typeof title === 'string' ? title : name };
  });
  return columns.length === 0 ? null : columns;
}

function columnsIn(
  records: OutputOf<'packages.records'>['records'],
): OutputOf<'packages.records'>['columns'] {
  const names = new Set(records.flatMap(({ values }) => Object.keys(values)));
  return [...names].map((name) => ({ name, title: name }));
}

/** The values of a record, the long ones cut; none where the line is no record. */
function valuesOf(text: string): Readonly<Record<string, unknown>> {
  if (fieldsOf(parsed(text)) === null) return {};
  return Object.fromEntries(partsOf(text).map(([name, written]) => [name, shortened(written)]));
}

/** The names of a record and what is written for each, as it is written; of a text that is known to be an object of JSON. */
function partsOf(text: string): readonly (readonly [string, string])[] {
  const parts: (readonly [string, string])[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    const begins = text.indexOf('"', at);
    if (begins === -1) return parts;
    const ends = endOfText(text, begins);
    const value = /[^\s:]/g;
    value.lastIndex = ends;
    const from = value.exec(text)?.index ?? text.length;
    at = endOfValue(text, from);
    parts.push([JSON.parse(text.slice(begins, ends)) as string, text.slice(from, at).trimEnd()]);
  }
}

/** Behind the closing quote of a text. */
function endOfText(text: string, begins: number): number {
  for (let at = begins + 1; ; at += 1) {
    at = text.indexOf('"', at);
    let before = at;
    while (text.charCodeAt(before - 1) === 0x5c) before -= 1;
    if ((at - before) % 2 === 0) return at + 1;
  }
}

/** Where a value ends; goes round brackets without going down into them, however deep they lie. */
function endOfValue(text: string, from: number): number {
  const mark = /["[\]{},]/g;
  mark.lastIndex = from;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    const [character] = found;
    if (character === '"') mark.lastIndex = endOfText(text, found.index);
    else if (character === ',') {
      if (depth === 0) return found.index;
    } else if (character === '{' || character === '[') depth += 1;
    else if (depth === 0) return found.index;
    else depth -= 1;
  }
  return text.length;
}

/** A value as it is shown: a number that JavaScript would round stays the text it is, and so does what is very long. */
function shortened(written: string): unknown {
  if (written.startsWith('"')) {
    const text = JSON.parse(written) as string;
    return text.length <= longestValue ? text : cut(text);
  }
  return written.length <= longestValue ? exactly(written) : cut(written);
}

function cut(text: string): string {
  return `${text.slice(0, longestValue).toWellFormed()}…`;
}

function exactly(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
  return parse(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? source : value,
  );
}

function fileAt({ line, text }: Line): PackageFile {
  const fields = fieldsOf(parsed(text ?? '')) ?? {};
  const words = (name: string): string | null => {
    const value = fields[name];
    return typeof value === 'string' ? value.slice(0, longestValue) : null;
  };
  const { bytes, differs } = fields;
  return {
    line,
    path: words('file'),
    name: words('name'),
    contentType: words('contentType'),
    bytes: typeof bytes === 'number' ? bytes : null,
    status: words('status') ?? 'unknown',
    because:
      words('reason') ??
      words('ground') ??
      (Array.isArray(differs) && differs.length > 0 ? differs.join(', ') : null),
  };
}
