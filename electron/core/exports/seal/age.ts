import { createHash, hkdfSync, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { Decrypter, Encrypter } from 'age-encryption';
import { ExpectedError } from '../../kernel/errors.ts';
import { BrokenZip, type ZipBytes } from '../zipReader.ts';

/** Whom a package is encrypted to: holders of X25519 keys (`age1…`), or whoever has the passphrase. */
export type Lock = { readonly recipients: readonly string[] } | { readonly passphrase: string };

/** What opens an encrypted package. A file key opens one file; it is never written anywhere. */
export type Opener =
  | { readonly identities: readonly string[] }
  | { readonly passphrase: string }
  | { readonly fileKey: Uint8Array };

/** Encryption of one package. */
export interface Encryption {
  /** Encrypts a stream, once. */
  encrypt(plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** What the file just written is read back with: the passphrase itself, or the key the recipients were given. */
  opener(): Opener;
}

const firstLine = 'age-encryption.org/v1\n';
/** A header holds some 120 bytes a recipient; a hostile one may not fill the memory. */
const largestHeader = 64 * 1024;
const nonceBytes = 16;
const chunkBytes = 64 * 1024;
const tagBytes = 16;
const sealedChunkBytes = chunkBytes + tagBytes;

/** Letters and digits nobody takes for one another. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A passphrase of 138 bits: seven groups of four letters and digits. */
export function makePassphrase(): string {
  return Array.from({ length: 7 }, () =>
    Array.from({ length: 4 }, () => letters.charAt(randomInt(letters.length))).join(''),
  ).join('-');
}

/** Name of a recipient's key for the trail: the beginning of the SHA-256 of its text, in hexadecimal. */
export function recipientFingerprint(recipient: string): string {
  return createHash('sha256').update(recipient).digest('hex').slice(0, 16);
}

/** Throws `invalid_input` when a recipient is no X25519 key of age, or stands there twice. */
export function checkRecipients(recipients: readonly string[]): void {
  recipients.forEach((recipient, index) => {
    // What was pasted is never told again, least of all this.
    if (/AGE-(SECRET-KEY|PLUGIN)-/i.test(recipient)) {
      throw new ExpectedError(
        'invalid_input',
        `Recipient ${String(index + 1)} is a secret key, which opens packages and is for nobody but its holder; give its public key, which age-keygen -y tells.`,
      );
    }
    try {
      // A bech32 text with its checksum; the other kinds of recipients need software few people have.
      if (!/^age1[02-9ac-hj-np-z]{58}$/.test(recipient)) throw new Error('not X25519');
      new Encrypter().addRecipient(recipient);
    } catch {
      throw new ExpectedError(
        'invalid_input',
        `Recipient ${String(index + 1)} is not an age key, which begins with age1 and has 62 letters and digits; ask for the line “public key” of age-keygen.`,
      );
    }
    if (recipients.indexOf(recipient) !== index) {
      throw new ExpectedError('invalid_input', 'A recipient is named twice; name each once.');
    }
  });
}

/** Throws `invalid_input` as {@link checkRecipients} does. */
export function encryptionFor(lock: Lock): Encryption {
  const encrypter = new Encrypter();
  let fileKey: Uint8Array | undefined;
  if ('passphrase' in lock) {
    encrypter.setPassphrase(lock.passphrase);
    // Slow hashing makes up for what a chosen passphrase lacks; one of 138 random bits lacks nothing.
    encrypter.setScryptWorkFactor(14);
  } else {
    checkRecipients(lock.recipients);
    for (const recipient of lock.recipients) encrypter.addRecipient(recipient);
    encrypter.addRecipient({
      // Nothing of this one gets into the file; it only learns the key for reading back.
      wrapFileKey: (key) => {
        fileKey = key.slice();
        return [];
      },
    });
  }
  return {
    async *encrypt(plain) {
      yield* await encrypter.encrypt(ReadableStream.from<Uint8Array>(plain));
    },
    opener() {
      if ('passphrase' in lock) return { passphrase: lock.passphrase };
      if (fileKey === undefined) throw new Error('Nothing has been encrypted yet.');
      return { fileKey };
    },
  };
}

/** Whether a file begins as an age file does. */
export async function isSealed(file: ZipBytes): Promise<boolean> {
  return (await upTo(file, 0, firstLine.length)).toString('latin1') === firstLine;
}

/** The identities (`AGE-SECRET-KEY-1…`) of a file as age-keygen writes it. Throws `invalid_input` and `not_found`. */
export async function identitiesOf(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'latin1').catch(() => {
    throw new ExpectedError('not_found', 'The identity file can not be read; check its path.');
  });
  const found = text.split(/\r?\n/).filter((line) => /^AGE-SECRET-KEY-1[0-9A-Z]{58}$/.test(line));
  if (found.length === 0) {
    throw new ExpectedError(
      'invalid_input',
      'The identity file holds no line AGE-SECRET-KEY-1…; give the file age-keygen wrote.',
    );
  }
  return found;
}

/**
 * Opens an encrypted file for reading anywhere in it, chunk by chunk, each
 * authenticated before a byte of it is given; nothing decrypted touches a
 * disk. The file is closed with it, and not where this fails. Throws
 * `wrong_credentials` when the key is not one of the file's, and
 * {@link BrokenZip} when the file is damaged, as its chunks do.
 */
export async function openSealed(file: ZipBytes, opener: Opener): Promise<ZipBytes> {
  const header = await headerOf(file);
  const fileKey = 'fileKey' in opener ? opener.fileKey : await fileKeyOf(header, opener);
  const nonce = await readAt(file, header.byteLength, nonceBytes);
  const key = new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  const start = header.byteLength + nonceBytes;
  const sealed = file.bytes - start;
  const chunks = Math.ceil(sealed / sealedChunkBytes);
  const bytes = sealed - chunks * tagBytes;
  if (bytes < 0 || sealed - (chunks - 1) * sealedChunkBytes < tagBytes) throw truncated();
  // The directory of a zip is read in pieces of some hundred bytes, many of one chunk.
  let last: { readonly number: number; readonly bytes: Uint8Array } | undefined;
  return { bytes, range: (from, to) => range(from, to), close: () => file.close() };

  async function* range(from: number, to: number): AsyncGenerator<Uint8Array> {
    for (let at = from; at < to;) {
      const number = Math.floor(at / chunkBytes);
      const begins = number * chunkBytes;
      const chunk = last?.number === number ? last.bytes : await chunkOf(number);
      last = { number, bytes: chunk };
      const piece = chunk.subarray(at - begins, Math.min(chunk.byteLength, to - begins));
      if (piece.byteLength === 0) throw truncated();
      yield piece;
      at += piece.byteLength;
    }
  }

  async function chunkOf(number: number): Promise<Uint8Array> {
    const isLast = number === chunks - 1;
    const at = number * sealedChunkBytes;
    const bytesThere = await readAt(file, start + at, Math.min(sealedChunkBytes, sealed - at));
    const counter = Buffer.alloc(12);
    counter.writeUIntBE(number, 5, 6);
    counter[11] = isLast ? 1 : 0;
    try {
      return chacha20poly1305(key, counter).decrypt(bytesThere);
    } catch {
      // The last chunk says that it is the last: a file cut between two chunks ends with one that doesn't.
      throw isLast ? truncated() : new BrokenZip('changed', 'The encrypted file is damaged or was changed.');
    }
  }
}

function truncated(): BrokenZip {
  return new BrokenZip('truncated', 'The end of the encrypted file is missing or damaged.');
}

async function headerOf(file: ZipBytes): Promise<Uint8Array> {
  const buffer = await upTo(file, 0, largestHeader);
  const text = buffer.toString('latin1');
  const last = text.indexOf('\n--- ');
  const end = last === -1 ? -1 : text.indexOf('\n', last + 1);
  if (end === -1) throw new BrokenZip('malformed', 'The header of the encrypted file is damaged.');
  return buffer.subarray(0, end + 1);
}

async function fileKeyOf(
  header: Uint8Array,
  opener: Exclude<Opener, { readonly fileKey: Uint8Array }>,
): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  if ('passphrase' in opener) decrypter.addPassphrase(opener.passphrase);
  else for (const identity of opener.identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    // The library has no codes; of its sentences only this one tells of a header made for the key, and changed since.
    if (error instanceof Error && error.message === 'invalid header HMAC') {
      throw new BrokenZip('changed', 'The header of the encrypted file was changed.');
    }
    throw new ExpectedError(
      'wrong_credentials',
      'The package does not open with this key or passphrase; check that it is the one it was made for.',
      { cause: error },
    );
  }
}

async function readAt(file: ZipBytes, position: number, length: number): Promise<Uint8Array> {
  const bytes = await upTo(file, position, length);
  if (bytes.byteLength < length) throw truncated();
  return bytes;
}

/** So many bytes, or as many as there are. */
async function upTo(file: ZipBytes, position: number, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of file.range(position, Math.min(file.bytes, position + length))) pieces.push(piece);
  return pieces.length === 1 && pieces[0] instanceof Buffer ? pieces[0] : Buffer.concat(pieces);
}
