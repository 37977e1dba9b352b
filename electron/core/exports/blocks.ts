import { Readable } from 'node:stream';

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
