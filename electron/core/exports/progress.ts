import type { PackageProgress } from './package.ts';

/** Of a hundred parts of the way, those at which each phase begins and the last ends. */
const begins = { records: 0, files: 60, sealing: 80, reading_back: 82, end: 99 } as const;

/** All of the way; the last part of it is that the package has its name. */
export const whole = 100;

/**
 * How far an export is, in hundredths. Never goes back, also when a collection is read anew, and never comes to the
 * whole before the end.
 */
export function newShare(): (now: PackageProgress) => number {
  let most = 0;
  return (now) => {
    most = Math.max(most, shareOf(now));
    return most;
  };
}

function shareOf({ phase, collections, rows, files, bytes, inAll }: PackageProgress): number {
  switch (phase) {
    case 'records':
      return between(
        begins.records,
        begins.files,
        // Rows that came meanwhile are no more than the whole.
        collections + (inAll.rows === null || inAll.rows === 0 ? 0 : Math.min(1, rows / inAll.rows)),
        inAll.collections,
      );
    case 'files':
      return between(begins.files, begins.sealing, files, inAll.files);
    case 'sealing':
      return begins.sealing;
    case 'reading_back':
      return between(begins.reading_back, begins.end, bytes, inAll.bytes);
  }
}

function between(from: number, to: number, done: number, all: number | null): number {
  return all === null || all === 0 ? from : from + Math.floor((to - from) * Math.min(1, done / all));
}

/** What it is at, in words. */
export function wordsOf({
  phase,
  collection,
  collections,
  rows,
  files,
  bytes,
  inAll,
}: PackageProgress): string {
  switch (phase) {
    case 'records':
      return [
        ...(collection === null ? [] : [`reading ${collection}`]),
        ...(collection === null ? [] : [`${ofAll(rows, inAll.rows)} rows`]),
        `collection ${ofAll(Math.min(collections + 1, inAll.collections ?? Infinity), inAll.collections)}`,
        megabytes(bytes),
      ].join(', ');
    case 'files':
      return `fetching files, ${ofAll(files, inAll.files)}, ${megabytes(bytes)}`;
    case 'sealing':
      return 'sealing the package';
    case 'reading_back':
      return `reading the package back, ${megabytes(bytes)}${inAll.bytes === null ? '' : ` of ${megabytes(inAll.bytes)}`}`;
  }
}

const number = new Intl.NumberFormat('en-IN');

function ofAll(done: number, all: number | null): string {
  return `${number.format(done)}${all === null ? '' : ` of ${number.format(all)}`}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
