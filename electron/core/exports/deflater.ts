import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, crc32, createInflateRaw, deflateRaw, deflateRawSync } from 'node:zlib';
import type { ZlibOptions } from 'node:zlib';

/** What was deflated, as a zip tells it. */
export interface Deflated {
  readonly crc: number;
  readonly bytes: number;
  readonly packedBytes: number;
}

/** Deflates block after block, several at a time, and hands on the result in their order. */
export interface Deflater {
  /** The block must not change from now; resolves when the next one may come. */
  add(block: Uint8Array): Promise<void>;
  /** Hands on what is still being deflated, and the end. */
  end(): Promise<Deflated>;
  /** Waits for the threads to be free of it, whatever came of it; the way out after a failure. */
  settle(): Promise<void>;
}

/** Deflated without a thread of its own, which costs more than so few bytes. */
const smallBytes = 16 * 1024;
/** Blocks being deflated at a time, each in a thread of its own. */
const deflatedAtOnce = 3;
/** Room made for what a block is deflated to; made again as often as it takes. */
const deflatedBytes = 64 * 1024;
/** The fastest level: another halves the speed for a tenth of the size. */
const level = constants.Z_BEST_SPEED;
/** A last block of deflate with nothing in it, after blocks that were flushed. */
const lastBlock = Buffer.from([0x03, 0x00]);

const deflate = promisify<Uint8Array, ZlibOptions, Buffer>(deflateRaw);

/** `write` is called once at a time; what it throws, `add` and `end` reject with. */
export function newDeflater(write: (packed: Uint8Array) => Promise<void>): Deflater {
  const deflating: Promise<Uint8Array>[] = [];
  let crc = 0;
  let bytes = 0;
  let packedBytes = 0;

  async function hand(packed: Uint8Array): Promise<void> {
    packedBytes += packed.byteLength;
    await write(packed);
  }

  async function handFirst(): Promise<void> {
    const first = deflating.shift();
    if (first !== undefined) await hand(await first);
  }

  return {
    async add(block) {
      crc = crc32(block, crc);
      bytes += block.byteLength;
      // Each block ends at a byte, so that they can be put one after another.
      const options = { level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: deflatedBytes };
      const packed =
        block.byteLength <= smallBytes
          ? Promise.resolve(deflateRawSync(block, options))
          : deflate(block, options);
      // It is told when it is its turn.
      packed.catch(() => undefined);
      deflating.push(packed);
      if (deflating.length >= deflatedAtOnce) await handFirst();
    },
    async end() {
      while (deflating.length > 0) await handFirst();
      await hand(lastBlock);
      return { crc, bytes, packedBytes };
    },
    async settle() {
      await Promise.allSettled(deflating);
    },
  };
}

/** All of a small or a known content at once. */
export async function deflateWhole(content: Uint8Array): Promise<Uint8Array> {
  if (content.byteLength > smallBytes) return deflate(content, { level });
  // Its result is kept in memory of this size, however short it is.
  return deflateRawSync(content, { level, chunkSize: Math.max(64, content.byteLength) });
}

/** What was deflated, as it was before; ends its source when it is no longer wanted. */
export function inflated(packed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // What goes wrong is thrown to who reads it.
  return pipeline(Readable.from(packed), createInflateRaw(), () => undefined);
}
