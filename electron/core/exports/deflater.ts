import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, crc32, createDeflateRaw, createInflateRaw, deflateRaw, deflateRawSync } from 'node:zlib';
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

/** Deflates blocks one after another, in a thread, into memory that is made once. */
interface Press {
  /** All that the block gives, up to a byte's end; only the last call's may be waited for. */
  deflate(block: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

function newPress(): Press {
  const stream = createDeflateRaw({ level, chunkSize: deflatedBytes });
  let pieces: Uint8Array[] = [];
  stream.on('data', (piece: Uint8Array) => pieces.push(piece));
  return {
    close: () => stream.destroy(),
    deflate: (block) =>
      new Promise((resolve, reject) => {
        pieces = [];
        stream.once('error', reject);
        stream.write(block);
        stream.flush(constants.Z_SYNC_FLUSH, () => {
          stream.off('error', reject);
          // What comes next knows nothing of what came before.
          stream.reset();
          resolve(Buffer.concat(pieces));
        });
      }),
  };
}

/**
 * `write` is called once at a time; what it throws, `add` and `end` reject with. `used` is told of each block that is no
 * longer needed.
 */
export function newDeflater(
  write: (packed: Uint8Array) => Promise<void>,
  used: (block: Uint8Array) => void = () => undefined,
): Deflater {
  const deflating: { readonly block: Uint8Array; readonly packed: Promise<Uint8Array> }[] = [];
  const presses: Press[] = [];
  let blocks = 0;
  let crc = 0;
  let bytes = 0;
  let packedBytes = 0;

  async function hand(packed: Uint8Array): Promise<void> {
    packedBytes += packed.byteLength;
    await write(packed);
  }

  async function handFirst(): Promise<void> {
    const first = deflating.shift();
    if (first === undefined) return;
    await hand(await first.packed);
    used(first.block);
  }

  return {
    async add(block) {
      crc = crc32(block, crc);
      bytes += block.byteLength;
      // Each block ends at a byte, so that they can be put one after another.
      let packed: Promise<Uint8Array>;
      if (block.byteLength <= smallBytes) {
        packed = Promise.resolve(deflateRawSync(block, { level, finishFlush: constants.Z_SYNC_FLUSH }));
      } else {
        // No more are deflating than there are presses, so the one whose turn it is rests.
        packed = (presses[blocks % deflatedAtOnce] ??= newPress()).deflate(block);
        blocks += 1;
      }
      // It is told when it is its turn.
      packed.catch(() => undefined);
      deflating.push({ block, packed });
      if (deflating.length >= deflatedAtOnce) await handFirst();
    },
    async end() {
      while (deflating.length > 0) await handFirst();
      await hand(lastBlock);
      for (const press of presses) press.close();
      return { crc, bytes, packedBytes };
    },
    async settle() {
      await Promise.allSettled(deflating.map(({ packed }) => packed));
      for (const press of presses) press.close();
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
