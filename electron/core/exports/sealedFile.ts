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

  async function put(chunk: Uint8Array): Promise<void> {
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(chunk.byteLength);
    const cipher = createCipheriv('aes-256-gcm', own, nonceOf(frame)).setAAD(head);
    const enciphered = cipher.update(chunk);
    cipher.final();
    const whole = [...(frame === 0 ? [salt] : []), head, enciphered, cipher.getAuthTag()];
    frame += 1;
    await writeFully(handle, Buffer.concat(whole));
  }

  return {
    async write(chunk) {
      if (chunk.byteLength > 0) await put(chunk);
    },
    end: () => put(Buffer.alloc(0)),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await handle.close();
    },
  };
}

/** What was written, frame by frame, each proven before it is given. Throws `disk` where the file isn't what was written. */
export async function* readSealed(path: string, key: Uint8Array): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const own = keyOf(key, await take(handle, saltBytes), basename(path));
    for (let frame = 0; ; frame += 1) {
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
