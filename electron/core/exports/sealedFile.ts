import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { ExpectedError } from '#core/kernel/errors.ts';
import { writeFully } from './disk.ts';

/**
 * A file that says nothing without its key, and in which no byte can be
 * changed, moved or cut off unseen, nor put in the place of another: 16 random
 * bytes, of which, its name and the export's key its own is made, then frames of AES-256-GCM, numbered
 * from 0 by their nonces, the last one empty. Before each stands its length.
 */
export interface SealedWriter {
  /** The chunk is the caller's again when it resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Writes the end; a file without one counts as damaged. */
  end(): Promise<void>;
  /** Closes it, whether it was ended or not. */
  close(): Promise<void>;
  /** Resolves when the frame of that number is written; rejects with {@link Unfinished} when the file was closed without it. */
  written(frame: number): Promise<void>;
}

/** What is read while it is written came to no end. */
export class Unfinished extends Error {
  constructor() {
    super('what was being read was given up by who wrote it');
  }
}

/** Length of an export's key. */
export const keyBytes = 32;
const saltBytes = 16;
const headBytes = 4;
const tagBytes = 16;
const longestFrame = 64 * 1024 * 1024;

/** Makes the file, for its owner only; there must be none of that name. `name`: what it will be called when it is read. */
export async function createSealed(
  path: string,
  key: Uint8Array,
  name = basename(path),
): Promise<SealedWriter> {
  const salt = randomBytes(saltBytes);
  const own = keyOf(key, salt, name);
  const handle = await open(path, 'wx', 0o600);
  let frame = 0;
  let isOpen = true;
  let isEnded = false;
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };

  async function put(chunk: Uint8Array): Promise<void> {
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(chunk.byteLength);
    const cipher = createCipheriv('aes-256-gcm', own, nonceOf(frame)).setAAD(head);
    const enciphered = cipher.update(chunk);
    cipher.final();
    const whole = [...(frame === 0 ? [salt] : []), head, enciphered, cipher.getAuthTag()];
    await writeFully(handle, Buffer.concat(whole));
    frame += 1;
    tell();
  }

  return {
    async write(chunk) {
      if (chunk.byteLength > 0) await put(chunk);
    },
    async end() {
      await put(Buffer.alloc(0));
      isEnded = true;
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      tell();
      await handle.close();
    },
    async written(wanted) {
      while (frame <= wanted) {
        if (!isOpen || isEnded) throw new Unfinished();
        await changed.promise;
      }
    },
  };
}

/**
 * What was written, frame by frame, each proven before it is given. `written` is waited for before each, where it is read
 * while it is still being written. Throws `disk` where the file isn't what was written.
 */
export async function* readSealed(
  path: string,
  key: Uint8Array,
  written?: SealedWriter['written'],
): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    await written?.(0);
    const own = keyOf(key, await take(handle, saltBytes), basename(path));
    for (let frame = 0; ; frame += 1) {
      await written?.(frame);
      const head = await take(handle, headBytes);
      const length = head.readUInt32BE();
      if (length > longestFrame) throw damaged();
      const sealed = await take(handle, length + tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', own, nonceOf(frame), { authTagLength: tagBytes })
        .setAAD(head)
        .setAuthTag(sealed.subarray(length));
      const plain = decipher.update(sealed.subarray(0, length));
      try {
        decipher.final();
      } catch {
        throw damaged();
      }
      if (length === 0) return;
      yield plain;
    }
  } finally {
    await handle.close();
  }
}

/** No two files share a key, so their frames can be numbered alike. */
function keyOf(key: Uint8Array, salt: Uint8Array, name: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, `privacy-console staged file ${name}`, keyBytes));
}

function nonceOf(frame: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(frame), 4);
  return nonce;
}

async function take(handle: FileHandle, bytes: number): Promise<Buffer> {
  const taken = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(taken, at, bytes - at, null);
    if (bytesRead === 0) throw damaged();
    at += bytesRead;
  }
  return taken;
}

function damaged(): ExpectedError {
  return new ExpectedError(
    'disk',
    'What this export had read was damaged or changed on this computer, so nothing was made of it; start the export again.',
  );
}
