import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Cipheriv } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryName } from './leftovers.ts';
import { writeFully } from './zipWriter.ts';

/**
 * Keeps bytes on the disk until it is their turn in the package, which is
 * written one file after another. What lies there is enciphered with a key
 * that is never written down, and the file has no name as soon as it is open,
 * where the system allows that; so a crash leaves nothing that could be read.
 */
export interface Spool {
  /** The chunk is the caller's again at once. */
  write(chunk: Uint8Array): Promise<void>;
  /** Gives what was written since the last time, once. */
  read(): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

const readBytes = 512 * 1024;

/** The file is made in the folder with the first byte. */
export function newSpool(folder: string): Spool {
  const path = join(folder, temporaryName());
  let handle: FileHandle | undefined;
  let key = randomBytes(32);
  let cipher: Cipheriv | undefined;
  let size = 0;
  // A key enciphers once, so its counter may begin at 0.
  const start = Buffer.alloc(16);

  return {
    async write(chunk) {
      if (chunk.byteLength === 0) return;
      if (handle === undefined) {
        handle = await open(path, 'wx+', 0o600);
        await unlink(path).catch(() => undefined);
      }
      cipher ??= createCipheriv('aes-256-ctr', key, start);
      await writeFully(handle, cipher.update(chunk), size);
      size += chunk.byteLength;
    },
    async *read() {
      const decipher = createDecipheriv('aes-256-ctr', key, start);
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, size));
      for (let at = 0; at < size && handle !== undefined;) {
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, size - at), at);
        if (bytesRead === 0) throw new Error('the spool is shorter than what was written to it');
        at += bytesRead;
        yield decipher.update(buffer.subarray(0, bytesRead));
      }
      key = randomBytes(32);
      cipher = undefined;
      size = 0;
    },
    async close() {
      if (handle === undefined) return;
      await handle.close();
      await unlink(path).catch(() => undefined);
    },
  };
}
