import { createHash } from 'node:crypto';
import type { PageLanguage } from '#shared/contract/exports.ts';
import { escaped } from '#shared/domain/escaped.ts';
import type { CollectionSummary, SnapshotSummary } from '../format.ts';
import type { Redaction } from '../redactions.ts';
import { onLines, partsOf } from '../recordText.ts';
import type { PackageColumn } from '../schema.ts';
import { pageScript, pageStyle } from './look.ts';
import { pageStrings } from './strings.ts';
import type { PageStrings } from './strings.ts';

/** A collection as the page shows it. */
export interface PageCollection {
  readonly title: string;
  readonly columns: readonly PackageColumn[] | null;
  readonly summary: CollectionSummary;
  /** The first of its records, each one line of JSON. */
  readonly lines: readonly string[];
}

/** A file as its line in the index describes it. */
export interface PageFileEntry {
  readonly file: string | null;
  readonly name: string | null;
  readonly bytes: number | null;
  readonly status: 'complete' | 'differs' | 'incomplete' | 'missing' | 'redacted';
  /** Why it is missing or incomplete. */
  readonly reason?: string;
}

/** What is held and not in the package; `column` null is all of the collection, `collection` null is objects of R2. */
export interface LeftOutInWords {
  readonly collection: string | null;
  readonly column: string | null;
  readonly because: string;
}

/** What the person is told beside their data, e.g. the purposes of one collection; without a title it is of all. */
export interface PageInformation {
  readonly title: string | null;
  readonly says: readonly {
    readonly what: keyof PageStrings['informed'];
    readonly texts: readonly string[];
  }[];
  /** The laws by which its rows are kept, and for how many years from which of its times. */
  readonly kept: readonly { readonly ground: string; readonly years: number; readonly from: string }[];
}

export interface PageContents {
  readonly language: PageLanguage;
  /** What texts of the data map are in that language, by the text; what isn't there stays in English, and is marked so. */
  readonly translations?: ReadonlyMap<string, string>;
  readonly requestNumber: string;
  readonly subjectReference: string;
  readonly subjectKind?: string;
  readonly controller?: string | null;
  readonly program: string;
  readonly made: Date;
  readonly snapshots: readonly SnapshotSummary[];
  /** Whether it was interrupted and went on. */
  readonly resumed: boolean;
  readonly collections: readonly PageCollection[];
  /** The first of its files, and how many there are. */
  readonly files: { readonly first: readonly PageFileEntry[]; readonly all: number };
  readonly information: readonly PageInformation[];
  readonly leftOut: readonly LeftOutInWords[];
  /** What a reviewer kept back. */
  readonly redactions: readonly Redaction[];
}

/** What the page says, and what the data map says, in the page's language. */
interface Words extends PageStrings {
  /** A text of the map or of the program as HTML. */
  readonly told: (text: string) => string;
  /** The same where there can be no markup. */
  readonly plain: (text: string) => string;
}

function wordsOf({ language, translations }: PageContents): Words {
  const say = pageStrings[language];
  const known = (text: string): string | undefined =>
    translations?.get(text) ?? (Object.hasOwn(say.phrases, text) ? say.phrases[text] : undefined);
  return {
    ...say,
    plain: (text) => known(text) ?? text,
    told(text) {
      const found = known(text);
      if (found !== undefined || language === 'en') return value(found ?? text);
      return `<span class="v" dir="auto" lang="en">${escaped(text)}</span>`;
    },
  };
}

/** Redactions that are shown one by one. */
const mostRedactions = 500;

/** Endings a browser shows without running anything in them. */
const linked =
  /\.(jpg|png|gif|webp|heic|mp4|3gp|mov|webm|ogg|opus|mp3|m4a|aac|amr|pdf|txt|csv|zip|docx?|xlsx?|pptx?|vcf)$/;
const pictures = /\.(jpg|png|gif|webp)$/;
/** Characters of one value that are shown. */
const mostCharacters = 1_000;

/**
 * The page a person opens first, `data/index.html`: in one file, without a
 * network. All that comes from the data is text: markup in it is shown as it
 * is written, characters that turn the direction of writing or can't be seen
 * are named, and the page's policy runs no script and loads nothing but its own.
 */
export function* pageText(contents: PageContents): Generator<string> {
  const say = wordsOf(contents);
  const number = new Intl.NumberFormat(say.locale);
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(pageStyle)}'`,
    `script-src '${hashOf(pageScript)}'`,
    // Its own pictures, wherever the folder lies.
    "img-src 'self' file:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const held = contents.collections.filter(({ summary }) => summary.rows > 0);
  const empty = contents.collections.filter(({ summary }) => summary.rows === 0);
  const facts: readonly (readonly [string, string])[] = [
    [say.request, value(contents.requestNumber)],
    [say.reference, value(contents.subjectReference)],
    ...(contents.subjectKind === undefined ? [] : [[say.kind, say.told(contents.subjectKind)] as const]),
    ...(contents.controller === undefined || contents.controller === null
      ? []
      : [[say.controller, say.told(contents.controller)] as const]),
    ...contents.snapshots.map(({ began }) => [say.read, value(timeText(began, say))] as const),
    [say.made, value(timeText(contents.made.toISOString(), say))],
    [say.by, value(contents.program)],
  ];
  yield `<!doctype html>
<html lang="${contents.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(`${say.title}, ${say.request} ${contents.requestNumber}`)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${say.title}</h1>
<p>${say.lead}</p>
${definitions(facts)}${contents.snapshots.length > 1 ? `\n<p>${say.moments(number.format(contents.snapshots.length), contents.resumed)}</p>` : ''}
</header>
<div class="tools" role="search" hidden><input type="search" aria-label="${say.search}" placeholder="${say.search}"><output class="dim" data-found="${say.found}"></output></div>
<main>
<nav aria-label="${say.contents}">
<ul>
`;
  for (const { title, summary } of held) {
    yield `<li><a href="#${idOf(summary.name)}">${say.told(title)}</a> <span class="dim">${number.format(summary.rows)}</span></li>\n`;
  }
  if (contents.files.all > 0) {
    yield `<li><a href="#files">${say.files}</a> <span class="dim">${number.format(contents.files.all)}</span></li>\n`;
  }
  yield '</ul>\n</nav>\n';
  for (const collection of held) yield* collectionText(collection, say, number);
  if (empty.length > 0) {
    yield `<section>\n<p><span class="dim">${say.empty}</span> ${empty.map(({ title }) => say.told(title)).join(', ')}</p>\n</section>\n`;
  }
  if (contents.files.all > 0) yield* filesText(contents.files, say, number);
  if (contents.information.length > 0) {
    yield `<section>\n<h2>${say.information}</h2>\n`;
    for (const { title, says, kept } of contents.information) {
      const facts = [
        ...says.map(({ what, texts }) => [say.informed[what], texts.map(say.told).join('; ')] as const),
        ...kept.map(
          ({ ground, years, from }) =>
            [
              say.informed.kept,
              `${say.told(ground)}; ${say.keptFor(number.format(years), say.told(from))}`,
            ] as const,
        ),
      ];
      yield `<div data-row><h3>${title === null ? say.inGeneral : say.told(title)}</h3>${definitions(facts)}</div>\n`;
    }
    yield '</section>\n';
  }
  if (contents.leftOut.length > 0) {
    yield `<section>\n<h2>${say.leftOut}</h2>\n<p class="dim">${say.leftOutLead}</p>\n<ul>\n`;
    for (const [collection, parts] of Map.groupBy(contents.leftOut, (each) => each.collection)) {
      const held = contents.collections.find(({ summary }) => summary.name === collection);
      const title =
        collection === null ? say.files : held === undefined ? value(collection) : say.told(held.title);
      for (const [because, columns] of Map.groupBy(parts, (each) => each.because)) {
        const names = columns.map(({ column }) => (column === null ? say.whole : value(column))).join(', ');
        yield `<li data-row>${title}: ${names} <span class="dim">(${say.told(because)})</span></li>\n`;
      }
    }
    yield '</ul>\n</section>\n';
  }
  yield* redactionsSection(contents, say, number);
  yield `<section>\n<p class="dim">${say.check}</p>\n</section>\n</main>\n<script>${pageScript}</script>\n</body>\n</html>\n`;
}

function* collectionText(
  { title, columns, summary, lines }: PageCollection,
  say: Words,
  number: Intl.NumberFormat,
): Generator<string> {
  const rows = lines.map((line) => new Map(partsOf(line)));
  const titles = new Map(columns?.map((column) => [column.name, column.title]));
  const names = columns?.map((column) => column.name) ?? [...(rows[0]?.keys() ?? [])];
  const filled = names.filter((name) => rows.some((row) => !isNothing(row.get(name))));
  const unfilled = names.filter((name) => !filled.includes(name));
  const titleOf = (name: string): string => {
    const known = titles.get(name);
    return known === undefined ? value(name) : say.told(known);
  };
  const links = [
    ...(summary.table === undefined ? [] : [linkTo(summary.table, say.asTable)]),
    linkTo(summary.file, say.asRecords),
  ].join(', ');
  const shown =
    rows.length < summary.rows
      ? ` ${say.firstOf(number.format(rows.length), number.format(summary.rows))}`
      : '';
  yield `<section id="${idOf(summary.name)}">\n<h2>${say.told(title)}</h2>\n<p class="dim">${say.records(number.format(summary.rows))}${shown} ${say.allIn} ${links}</p>\n`;
  const [only] = rows;
  if (only !== undefined && rows.length === 1) {
    yield `<dl data-row>${filled.map((name) => `<dt>${titleOf(name)}</dt><dd>${cell(only.get(name), say)}</dd>`).join('')}</dl>\n`;
  } else if (rows.length > 0) {
    yield `<div class="wide" tabindex="0" role="group" aria-label="${escaped(say.plain(title))}"><table>\n<thead><tr>${filled.map((name) => `<th scope="col">${titleOf(name)}</th>`).join('')}</tr></thead>\n<tbody>\n`;
    for (const row of rows) {
      yield `<tr data-row>${filled.map((name) => `<td>${cell(row.get(name), say)}</td>`).join('')}</tr>\n`;
    }
    yield '</tbody>\n</table></div>\n';
  }
  if (rows.length > 0 && unfilled.length > 0) {
    yield `<p class="dim">${say.emptyColumns} ${unfilled.map(titleOf).join(', ')}</p>\n`;
  }
  yield '</section>\n';
}

function* redactionsSection(
  { redactions, collections }: PageContents,
  say: Words,
  number: Intl.NumberFormat,
): Generator<string> {
  if (redactions.length === 0) return;
  const shown = redactions.slice(0, mostRedactions);
  const cut =
    shown.length < redactions.length
      ? `<p class="dim">${say.firstOf(number.format(shown.length), number.format(redactions.length))} ${say.allIn} ${linkTo('data/redactions.jsonl', 'redactions.jsonl')}</p>\n`
      : '';
  yield `<section id="redactions">\n<h2>${say.redacted}</h2>\n<p class="dim">${say.redactedLead}</p>\n${cut}<ul>\n`;
  for (const { row, column, ground } of shown) {
    const held = collections.find(({ summary }) => summary.name === row?.collection);
    const title =
      row === null ? say.redactedFile : held === undefined ? value(row.collection) : say.told(held.title);
    const field = held?.columns?.find((each) => each.name === column)?.title;
    const named = column === null ? say.whole : field === undefined ? value(column) : say.told(field);
    const where = row === null ? '' : `, ${say.record} ${value(keyText(row.id))}`;
    const what = row === null ? '' : `: ${named}`;
    yield `<li data-row>${title}${where}${what} <span class="dim">(${say.grounds[ground]})</span></li>\n`;
  }
  yield '</ul>\n</section>\n';
}

/** A row's key, which is a JSON array of texts. */
function keyText(id: string): string {
  return (JSON.parse(id) as readonly unknown[]).map(String).join(', ');
}

function* filesText(files: PageContents['files'], say: Words, number: Intl.NumberFormat): Generator<string> {
  const shown =
    files.first.length < files.all
      ? ` ${say.firstOf(number.format(files.first.length), number.format(files.all))}`
      : '';
  yield `<section id="files">\n<h2>${say.files}</h2>\n<p class="dim">${say.fileCount(number.format(files.all))}${shown} ${say.filesAllIn} ${linkTo('data/files/index.jsonl', 'index.jsonl')}</p>
<div class="wide" tabindex="0" role="group" aria-label="${say.files}"><table>\n<thead><tr><th scope="col">${say.picture}</th><th scope="col">${say.name}</th><th scope="col">${say.size}</th><th scope="col">${say.state}</th></tr></thead>\n<tbody>\n`;
  for (const { file, name, bytes, status, reason } of files.first) {
    const title = name ?? say.noName;
    const link =
      file === null
        ? value(title)
        : linked.test(file)
          ? linkTo(file, title)
          : `${value(title)} <span class="dim">${say.notLinked} ${escaped(file)}</span>`;
    const picture =
      file !== null && pictures.test(file)
        ? `<img src="${pathOf(file)}" alt="" loading="lazy" decoding="async">`
        : '';
    const because = reason === 'unavailable' || reason === 'refused' ? ` (${say.notGiven})` : '';
    const state =
      status === 'complete'
        ? say.status.complete
        : `<span class="warn">${say.status[status]}${because}</span>`;
    yield `<tr data-row><td>${picture}</td><td>${link}</td><td>${bytes === null ? '' : sizeText(bytes, say)}</td><td>${state}</td></tr>\n`;
  }
  yield '</tbody>\n</table></div>\n</section>\n';
}

/** What each fact says is HTML already. */
function definitions(facts: readonly (readonly [string, string])[]): string {
  return `<dl>${facts.map(([what, html]) => `<dt>${escaped(what)}</dt><dd>${html}</dd>`).join('')}</dl>`;
}

function isNothing(written: string | undefined): boolean {
  return written === undefined || written === 'null' || written === '""';
}

/** What is written for a column in a record's line. */
function cell(written: string | undefined, say: PageStrings): string {
  if (written === undefined || isNothing(written)) return '';
  if (written === 'true' || written === 'false') return written === 'true' ? say.yes : say.no;
  const isText = written.startsWith('"');
  if (!isText && written.length <= mostCharacters) return value(onLines(written));
  const text = isText ? (JSON.parse(written) as string) : written;
  if (text.length <= mostCharacters) return value(text);
  return `${value(text.slice(0, mostCharacters).toWellFormed())} <span class="dim">… (${say.more})</span>`;
}

/** A text of unknown origin: its direction of writing is its own and ends with it. */
function value(text: string): string {
  return `<span class="v" dir="auto">${escaped(text)}</span>`;
}

/** A link to a file of the package, relative to the page; the names are the package's own. */
function linkTo(file: string, text: string): string {
  return `<a href="${pathOf(file)}" rel="noreferrer">${value(text)}</a>`;
}

function pathOf(file: string): string {
  return escaped(file.slice('data/'.length));
}

function idOf(name: string): string {
  return `c-${escaped(name)}`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function timeText(time: string, say: Words): string {
  const options = { dateStyle: 'long', timeStyle: 'long', timeZone: 'Asia/Kolkata' } as const;
  return new Intl.DateTimeFormat(say.locale, options).format(new Date(time));
}

function sizeText(bytes: number, say: Words): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  const place = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return new Intl.NumberFormat(say.locale, {
    style: 'unit',
    unit: units[place] ?? 'byte',
    unitDisplay: place === 0 ? 'long' : 'short',
    maximumFractionDigits: place === 0 ? 0 : 1,
  }).format(bytes / 1000 ** place);
}

/** Keeps the first whole lines that pass by, up to so many and so many bytes. */
export interface Sample {
  readonly add: (chunk: Uint8Array) => void;
  readonly lines: readonly string[];
  readonly bytes: number;
}

export function newSample(mostLines: number, mostBytes: number): Sample {
  const lines: string[] = [];
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let full = false;
  const keep = (part: Uint8Array): void => {
    bytes += part.byteLength;
    full = bytes > mostBytes;
    // Copied, or a few lines would keep the whole block.
    if (full) waiting = [];
    else waiting.push(part.slice());
  };
  return {
    add(chunk) {
      for (let at = 0; !full && at < chunk.byteLength;) {
        const end = chunk.indexOf(0x0a, at);
        keep(chunk.subarray(at, end === -1 ? chunk.byteLength : end));
        if (end === -1) return;
        if (full) return;
        lines.push(Buffer.concat(waiting).toString('utf8'));
        waiting = [];
        full = lines.length === mostLines;
        at = end + 1;
      }
    },
    lines,
    get bytes() {
      return Math.min(bytes, mostBytes);
    },
  };
}
