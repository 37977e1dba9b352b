/**
 * The records of a zip, as PKWARE's APPNOTE.TXT 6.3.10 describes them (the
 * sections are named), and no more of it than a package needs.
 */

export const methods = { stored: 0, deflated: 8 } as const;

/** One entry; what is known only at its end is 0 before. */
export interface ZipEntry {
  readonly path: string;
  readonly modified: Date;
  readonly method: (typeof methods)[keyof typeof methods];
  /** Where its header stands in the zip. */
  readonly place: number;
  /** Whether its header comes before its size is known; a data descriptor then follows the bytes. */
  isStreamed: boolean;
  crc: number;
  bytes: number;
  /** As they stand in the zip. */
  packedBytes: number;
}

const most16 = 0xffff;
const most32 = 0xffffffff;
/** Deflate, and zip64. */
const versionNeeded = { plain: 20, zip64: 45 } as const;
/** Unix, so that the rights are read as such. */
const madeBy = (3 << 8) | versionNeeded.zip64;
const flags = { streamed: 1 << 3, utf8: 1 << 11 } as const;
/** A regular file for its owner only. */
const rights = 0o100600;

/** 4.3.7 */
export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.path, 'utf8');
  const extra = timeField(entry.modified);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(versionNeeded.plain, 4);
  writeCommon(header, 6, entry, name, extra.byteLength);
  return Buffer.concat([header, name, extra]);
}

/** 4.3.9: sizes of four bytes, or of eight where one of them asks for that. */
export function dataDescriptor(entry: ZipEntry): Buffer {
  const isLong = sizesAreLong(entry);
  const descriptor = Buffer.alloc(isLong ? 24 : 16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(entry.crc, 4);
  if (isLong) {
    descriptor.writeBigUInt64LE(BigInt(entry.packedBytes), 8);
    descriptor.writeBigUInt64LE(BigInt(entry.bytes), 16);
  } else {
    descriptor.writeUInt32LE(entry.packedBytes, 8);
    descriptor.writeUInt32LE(entry.bytes, 12);
  }
  return descriptor;
}

/** 4.3.12 */
export function centralHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.path, 'utf8');
  const isLong = sizesAreLong(entry) || entry.place >= most32;
  const extra = Buffer.concat([timeField(entry.modified), ...(isLong ? [zip64Field(entry)] : [])]);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(madeBy, 4);
  header.writeUInt16LE(isLong ? versionNeeded.zip64 : versionNeeded.plain, 6);
  writeCommon(header, 8, entry, name, extra.byteLength, isLong ? most32 : undefined);
  header.writeUInt32LE(rights * 0x10000, 38);
  header.writeUInt32LE(isLong ? most32 : entry.place, 42);
  return Buffer.concat([header, name, extra]);
}

/** What headers of both kinds have in common, from the flags on. */
function writeCommon(
  header: Buffer,
  at: number,
  { isStreamed, modified, method, crc, bytes, packedBytes }: ZipEntry,
  name: Buffer,
  extraBytes: number,
  sizesElsewhere?: number,
): void {
  header.writeUInt16LE(flags.utf8 | (isStreamed ? flags.streamed : 0), at);
  header.writeUInt16LE(method, at + 2);
  header.writeUInt32LE(dosTime(modified), at + 4);
  header.writeUInt32LE(crc, at + 8);
  header.writeUInt32LE(sizesElsewhere ?? packedBytes, at + 12);
  header.writeUInt32LE(sizesElsewhere ?? bytes, at + 16);
  header.writeUInt16LE(name.byteLength, at + 20);
  header.writeUInt16LE(extraBytes, at + 22);
}

/** 4.3.14 to 4.3.16: the end of the directory, before it that of zip64 where numbers ask for it. */
export function endOfDirectory(directory: {
  readonly entries: number;
  readonly start: number;
  readonly bytes: number;
}): Buffer {
  const { entries, start, bytes } = directory;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, most16), 8);
  end.writeUInt16LE(Math.min(entries, most16), 10);
  end.writeUInt32LE(Math.min(bytes, most32), 12);
  end.writeUInt32LE(Math.min(start, most32), 16);
  if (entries < most16 && bytes < most32 && start < most32) return end;
  const long = Buffer.alloc(56 + 20);
  long.writeUInt32LE(0x06064b50, 0);
  long.writeBigUInt64LE(44n, 4);
  long.writeUInt16LE(madeBy, 12);
  long.writeUInt16LE(versionNeeded.zip64, 14);
  long.writeBigUInt64LE(BigInt(entries), 24);
  long.writeBigUInt64LE(BigInt(entries), 32);
  long.writeBigUInt64LE(BigInt(bytes), 40);
  long.writeBigUInt64LE(BigInt(start), 48);
  long.writeUInt32LE(0x07064b50, 56);
  long.writeBigUInt64LE(BigInt(start + bytes), 64);
  long.writeUInt32LE(1, 72);
  return Buffer.concat([long, end]);
}

function sizesAreLong({ bytes, packedBytes }: ZipEntry): boolean {
  return bytes >= most32 || packedBytes >= most32;
}

/** 4.5.3 */
function zip64Field({ bytes, packedBytes, place }: ZipEntry): Buffer {
  const field = Buffer.alloc(28);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(24, 2);
  field.writeBigUInt64LE(BigInt(bytes), 4);
  field.writeBigUInt64LE(BigInt(packedBytes), 12);
  field.writeBigUInt64LE(BigInt(place), 20);
  return field;
}

/** 4.6.1 names it: Info-ZIP's time in UTC, since that of DOS has no zone. */
function timeField(time: Date): Buffer {
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x5455, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4);
  field.writeInt32LE(Math.floor(time.getTime() / 1000), 5);
  return field;
}

/** 4.4.6: local time in steps of two seconds; the date in the upper half. */
function dosTime(time: Date): number {
  const date = ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate();
  const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
  return date * 0x10000 + clock;
}
