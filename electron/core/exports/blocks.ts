import { Readable } from 'node:stream';

/** What is deflated at once. */
export const blockBytes = 512 * 1024;
/** Blocks kept for whoever wants one next: as many as are read ahead, deflated and being filled. */
const mostKept = 24;
const kept: ArrayBuffer[] = [];
const lent = new WeakSet<ArrayBufferLike>();

/**
 * Memory for a block, with whatever was in it before. Made anew for each block, a package's worth of them is what the
 * collector of unused memory is busy with most of the time; one that is never given back is left to it.
 */
export function takeBlock(): Buffer<ArrayBuffer> {
  const memory = kept.pop() ?? new ArrayBuffer(blockBytes);
  lent.add(memory);
  return Buffer.from(memory);
}

/** Gives back the memory of a block, once nobody reads it any more; any other memory is left alone. */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && lent.delete(buffer) && kept.length < mostKept) kept.push(buffer);
}

/** The same bytes in memory of their own, which can be given back. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > blockBytes) return bytes.slice();
  const block = takeBlock();
  block.set(bytes);
  return block.subarray(0, bytes.byteLength);
}

/** Joins small pieces into blocks of at least so many bytes; the last one may be smaller. */
export async function* inBlocks(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    if (piece.byteLength === 0) continue;
    waiting.push(piece);
    size += piece.byteLength;
    if (size < bytes) continue;
    yield joined(waiting);
    waiting = [];
    size = 0;
  }
  if (waiting.length > 0) yield joined(waiting);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

/** Gives texts as bytes, and ends the last line, should its line feed be missing. */
export async function* asLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  const lineFeed = 0x0a;
  let last: number | undefined;
  for await (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece;
    last = bytes[bytes.byteLength - 1] ?? last;
    yield bytes;
  }
  if (last !== undefined && last !== lineFeed) yield Buffer.from([lineFeed]);
}

/** Asks for so many items before they are wanted, so that whoever makes them and whoever uses them work at the same time. */
export function ahead<Item>(items: AsyncIterable<Item>, count: number): AsyncIterable<Item> {
  return Readable.from(items, { objectMode: true, highWaterMark: count }) as AsyncIterable<Item>;
}

/** Either kind of source as one kind. */
export async function* iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
