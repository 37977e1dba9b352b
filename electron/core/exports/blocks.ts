/** Joins small pieces into blocks of at least so many bytes; the last one may be smaller. */
export async function* inBlocks(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array, undefined> {
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
