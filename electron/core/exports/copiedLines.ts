import { z } from 'zod';
import { takeBlock } from './blocks.ts';

/** Where reading goes on; only the compiled functions know what is in it. */
export type Place = readonly string[];

/** Puts the lines of windows together to blocks; a block goes on from one window into the next. */
export interface CopiedLines {
  /**
   * The blocks that were filled by one window, out of `copy … to stdout (format binary)`; returns where the next window
   * begins, null when this was the last. Throws where what came is not all that the server gave.
   */
  window(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, Place | null>;
  /** What of the windows so far fills no block. */
  rest(): Uint8Array;
}

/** What PostgreSQL's binary format begins with: its signature, no flags, no extension. */
const beginning = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** Before each row: its number of columns, and how many bytes the only one has. */
const rowHeadBytes = 6;
/** After the last row, a number of columns that no row has. */
const end = Buffer.from([0xff, 0xff]);
const lineFeed = 0x0a;
const openBracket = 0x5b;

const lastText = z.tuple([z.number(), z.array(z.string()).nullable()]);

/**
 * Each row of a window is a text of one line or more, without the last one's
 * line feed; the last row is none, but tells how many lines were given and where to go on. No more than a block is
 * held, however long a line is: the pieces that come are copied into it once, and nowhere else.
 */
export function newCopiedLines(newBlock: () => Uint8Array = takeBlock): CopiedLines {
  let block = newBlock();
  let size = 0;

  function* copy(piece: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < piece.byteLength;) {
      const taken = piece.subarray(at, at + block.byteLength - size);
      block.set(taken, size);
      size += taken.byteLength;
      at += taken.byteLength;
      if (size === block.byteLength) yield rest();
    }
  }

  function rest(): Uint8Array {
    const given = block.subarray(0, size);
    block = newBlock();
    size = 0;
    return given;
  }

  return {
    async *window(stream) {
      let heading: Uint8Array = Buffer.alloc(0);
      let isBegun = false;
      /** Bytes of the text being read that haven't come yet. */
      let left = 0;
      let isFirstPiece = false;
      let lines = 0;
      let last: Uint8Array[] | null = null;
      for await (const chunk of stream) {
        for (let at = 0; at < chunk.byteLength;) {
          if (left === 0) {
            const wanted = isBegun ? rowHeadBytes : beginning.byteLength;
            const taken = chunk.subarray(at, at + wanted - heading.byteLength);
            heading = Buffer.concat([heading, taken]);
            at += taken.byteLength;
            if (heading.byteLength < wanted) continue;
            if (isBegun) left = textBytes(heading, last !== null);
            else if (!beginning.equals(heading)) throw notAsAsked();
            isBegun = true;
            isFirstPiece = true;
            heading = Buffer.alloc(0);
            continue;
          }
          const piece = chunk.subarray(at, at + left);
          at += piece.byteLength;
          left -= piece.byteLength;
          // A line is an object, so what begins like a list is none.
          if (isFirstPiece && piece[0] === openBracket) last = [];
          isFirstPiece = false;
          if (last !== null) {
            last.push(piece);
            continue;
          }
          for (let feed = piece.indexOf(lineFeed); feed !== -1; feed = piece.indexOf(lineFeed, feed + 1))
            lines += 1;
          yield* copy(piece);
          if (left > 0) continue;
          lines += 1;
          yield* copy(feedAlone);
        }
      }
      if (last === null || left > 0 || !end.equals(heading)) throw notAsAsked();
      const [given, place] = lastText.parse(JSON.parse(Buffer.concat(last).toString('utf8')));
      if (given !== lines) throw new Error(`the database gave ${given} rows, ${lines} came`);
      return place;
    },
    rest,
  };
}

const feedAlone = Buffer.from([lineFeed]);

function textBytes(heading: Uint8Array, isAfterLast: boolean): number {
  const view = new DataView(heading.buffer, heading.byteOffset, heading.byteLength);
  const bytes = view.getInt32(2);
  if (view.getInt16(0) !== 1 || bytes < 1 || isAfterLast) throw notAsAsked();
  return bytes;
}

function notAsAsked(): Error {
  return new Error('the database copied something else than the lines it was asked for');
}
