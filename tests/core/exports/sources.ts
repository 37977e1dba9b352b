import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { PackageFile } from '#core/exports/files.ts';
import type { PackageCollection, PackageOptions } from '#core/exports/package.ts';
import type { PackageColumn } from '#core/exports/schema.ts';
import { newKey, openStaging, type Staging } from '#core/exports/staging.ts';

export function columnOf(name: string, kind: PackageColumn['kind']): PackageColumn {
  return {
    name,
    title: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    kind,
    category: 'user.content',
  };
}

export function collectionOf(name: string, rows: readonly unknown[]): PackageCollection {
  return {
    name,
    rows: () => Readable.from(rows.map((row) => `${JSON.stringify(row)}\n`)),
    expectedRows: () => Promise.resolve(rows.length),
  };
}

export function fileOf(key: string, bytes: Uint8Array, more: Partial<PackageFile> = {}): PackageFile {
  return {
    key,
    contentType: 'image/png',
    open: () =>
      Promise.resolve({
        stream: Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false }),
        bytes: bytes.byteLength,
      }),
    ...more,
  };
}

/** A staging that lasts as long as its package takes to be written. */
export function passingStaging(folder = join(tmpdir(), `privacy-console-staging-${randomUUID()}`)): Staging {
  return openStaging({ folder, key: newKey(), about: () => null });
}

export function optionsOf(folder: string, more: Partial<PackageOptions> = {}): PackageOptions {
  return {
    folder,
    name: 'export-17',
    packageId: '0b7f7c2e-1f6e-4f0c-9b0a-2f7d7f1f0a11',
    requestNumber: '17',
    subjectReference: 's-4711',
    program: 'CloudSingh Privacy Console 0.1.0',
    collections: [],
    files: [],
    staging: passingStaging(),
    ...more,
  };
}

/** Rows of about 100 bytes, made one block at a time. */
export async function* manyRows(count: number): AsyncGenerator<string> {
  for (let start = 0; start < count; start += 500) {
    let block = '';
    for (let row = start; row < Math.min(count, start + 500); row += 1) {
      block += `{"id":"${String(row)}","body":"नमस्ते ${(row * 7919).toString(36)} <b>&amp; =1+1","status":"delivered"}\n`;
    }
    yield block;
    // Lets timers and the disk have their turn, as a real source does.
    await new Promise(setImmediate);
  }
}

/** Bytes that do not compress, without being kept. */
export function bigFile(bytes: number): Readable {
  const block = Buffer.alloc(64 * 1024);
  for (let at = 0; at < block.length; at += 4) block.writeUInt32LE((at * 2654435761) >>> 0, at);
  let left = bytes;
  return new Readable({
    read() {
      const size = Math.min(left, block.length);
      left -= size;
      this.push(size === 0 ? null : block.subarray(0, size));
    },
  });
}
