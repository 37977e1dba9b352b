import { isSafePath } from './zipReader.ts';

/** A file of a package; `path` is relative to the package's own folder. */
export interface FileEntry {
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal, lower case. */
  readonly sha256: string;
}

/** The rows of a collection that were read from one snapshot. */
export interface CollectionPart {
  /** Number of the snapshot, from 1. */
  readonly snapshot: number;
  readonly rows: number;
}

/** How a collection was read from the database. */
export interface CollectionReading {
  readonly parts: readonly CollectionPart[];
  /** What the database counted of the whole collection in the last of these snapshots; other than the rows only where the platform changed some in between. */
  readonly rowsAtEnd: number;
}

/** One moment of the database from which rows were read. */
export interface SnapshotSummary {
  readonly number: number;
  /** By the database's clock, ISO 8601. */
  readonly began: string;
}

/** That an export was interrupted and went on. */
export interface Resumption {
  /** ISO 8601, by the clock of the computer it was made on. */
  readonly at: string;
  /** The snapshot from which it went on, by its number. */
  readonly snapshot: number;
}

/** One collection as `data/processing.json` names it. */
export interface CollectionSummary {
  readonly name: string;
  readonly file: string;
  /** Its table and the schema of its records; missing where its columns were not given. */
  readonly table?: string;
  readonly schema?: string;
  readonly rows: number;
  /** What the database counted; null when it was not asked. */
  readonly rowsCounted: number | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly parts?: readonly CollectionPart[];
  readonly rowsAtEnd?: number;
}

/** How many objects went in whole, and how many not. */
export interface FileSummary {
  readonly complete: number;
  readonly differing: number;
  readonly incomplete: number;
  readonly missing: number;
  /** Kept back by a reviewer. */
  readonly redacted: number;
}

export const bagitText = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

/** What `data/processing.json` says of the snapshots, also in words where there is more than one. */
export function snapshotText(
  snapshots: readonly SnapshotSummary[],
  collections: readonly CollectionSummary[],
  resumed: readonly Resumption[],
): object {
  return {
    snapshots: snapshots.map(({ number, began }) => ({
      number,
      began,
      collections: collections
        .filter(({ parts }) => parts?.some(({ snapshot }) => snapshot === number) === true)
        .map(({ name }) => name),
    })),
    ...(resumed.length > 0 ? { resumed } : {}),
    ...(snapshots.length > 1
      ? {
          note:
            `${resumed.length > 0 ? 'Reading was interrupted and resumed' : 'Reading lasted longer than one transaction of the database may'}, so the records are as they were at ${String(snapshots.length)} moments, ` +
            'named under "snapshots". A row that was changed between two of them may stand in either state, twice, or not at all.',
        }
      : {}),
  };
}

/** Lines as `sha256sum -c` and RFC 8493 both read them, in the order of their paths. */
export function manifestText(entries: readonly FileEntry[]): string {
  return entries
    .map(({ path, sha256 }) => `${sha256}  ${path}\n`)
    .sort((one, other) => (one.slice(66) < other.slice(66) ? -1 : 1))
    .join('');
}

/** The bag's own data; numbers and opaque references only. */
export function bagInfoText(about: {
  readonly packageId: string;
  readonly requestNumber: string;
  readonly subjectReference: string;
  readonly subjectKind?: string;
  readonly controller?: string | null;
  readonly program: string;
  readonly made: Date;
  readonly payload: readonly FileEntry[];
  readonly collections: readonly CollectionSummary[];
  readonly files: FileSummary;
  /** How much was kept back. */
  readonly redactions: number;
  readonly snapshots: number | null;
  /** How often it was interrupted and resumed. */
  readonly resumed: number;
  /** Fingerprint of the key it is signed with. */
  readonly signer: string | null;
}): string {
  const { payload, collections, files, redactions, snapshots, resumed, signer } = about;
  const bytes = payload.reduce((sum, entry) => sum + entry.bytes, 0);
  const rows = collections.reduce((sum, collection) => sum + collection.rows, 0);
  const lines: readonly (readonly [string, string | number])[] = [
    ['Source-Organization', 'CloudSingh'],
    ['Bagging-Date', about.made.toISOString().slice(0, 10)],
    ['Bag-Software-Agent', about.program],
    ['External-Identifier', about.packageId],
    ['Payload-Oxum', `${String(bytes)}.${String(payload.length)}`],
    ['Request-Number', about.requestNumber],
    ['Subject-Reference', about.subjectReference],
    ...(about.subjectKind === undefined ? [] : [['Subject-Kind', oneLine(about.subjectKind)] as const]),
    ...(about.controller === undefined || about.controller === null
      ? []
      : [['Controller', oneLine(about.controller)] as const]),
    ['Record-Count', rows],
    ['File-Count', files.complete + files.differing + files.incomplete],
    ['Files-Differing', files.differing],
    ['Files-Incomplete', files.incomplete],
    ['Files-Missing', files.missing],
    ['Redaction-Count', redactions],
    ...(snapshots === null ? [] : [['Snapshot-Count', snapshots] as const]),
    ...(resumed === 0 ? [] : [['Resumed-Count', resumed] as const]),
    ...(signer === null ? [] : [['Signed-By', signer] as const]),
  ];
  return lines.map(([label, value]) => `${label}: ${String(value)}\n`).join('');
}

/** How to check the package with tools every system has or can get; a tag file. */
export function verifyText(name: string): string {
  return `How to check this package without the program that made it
==========================================================

On Linux and macOS the tools are there, or come with the system's packages; on Windows they
run in WSL or Git Bash. Each command says at its end whether it failed.

1. Is the zip whole? (In the folder it lies in; not for a package that came as a folder.)

   unzip -t ${name}.zip

2. Is every file as it was when the package was made? (In the unpacked folder ${name}.)

   sha256sum -c manifest-sha256.txt
   sha256sum -c tagmanifest-sha256.txt

   The first names the files below data, the second the others, this one included.
   On macOS write "shasum -a 256 -c" instead of "sha256sum -c".

3. Who made it? (In the same folder; only where there are files ending in .sig and .sshsig.)

   openssl pkeyutl -verify -rawin -pubin -inkey signer.pem -sigfile tagmanifest-sha256.txt.sig -in tagmanifest-sha256.txt

4. The same with SSH, where "allowed" is a file with the line that CloudSingh gives out for its key.
   It begins with the word console.

   ssh-keygen -Y verify -f allowed -I console -n privacy-console-package -s tagmanifest-sha256.txt.sshsig < tagmanifest-sha256.txt

   signer.pem and signer.pub prove nothing by themselves, since they came with the package.
   Compare them with the key CloudSingh gives out by another way; both have its fingerprint,
   which "ssh-keygen -l -f signer.pub" shows.

A package whose name ends in .zip.age is encrypted. With the passphrase: age -d -o ${name}.zip ${name}.zip.age
With a key: age -d -i key.txt -o ${name}.zip ${name}.zip.age
`;
}

/** The last part of an object's key: what its file was called. Null where the key ends in a slash. */
export function originalName(key: string): string | null {
  const name = key.slice(key.lastIndexOf('/') + 1);
  return name === '' ? null : name;
}

/** Text of the data map on one line of a tag file. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}

/** Whether a name can be one part of a path on every system. */
export function isSafeName(name: string): boolean {
  return name.length <= 100 && !name.includes('/') && isSafePath(name);
}

/** Endings for the types people send; anything else is `bin`, as an ending taken from a key could be anything. */
const extensions: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'jpg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/heic', 'heic'],
  ['image/svg+xml', 'svg'],
  ['video/mp4', 'mp4'],
  ['video/3gpp', '3gp'],
  ['video/quicktime', 'mov'],
  ['video/webm', 'webm'],
  ['audio/ogg', 'ogg'],
  ['audio/opus', 'opus'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp4', 'm4a'],
  ['audio/aac', 'aac'],
  ['audio/amr', 'amr'],
  ['application/pdf', 'pdf'],
  ['application/zip', 'zip'],
  ['application/json', 'json'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['application/vnd.ms-powerpoint', 'ppt'],
  ['application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx'],
  ['text/plain', 'txt'],
  ['text/csv', 'csv'],
  ['text/vcard', 'vcf'],
  ['text/html', 'html'],
]);

function bareType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

export function extensionOf(contentType: string): string {
  return extensions.get(bareType(contentType)) ?? 'bin';
}

/** Whether deflating it again would be work for nothing. */
export function isCompressedType(contentType: string): boolean {
  const type = bareType(contentType);
  if (type === 'image/svg+xml') return false;
  return /^(image|video|audio)\//.test(type) || /(zip|pdf|openxmlformats)/.test(type);
}
