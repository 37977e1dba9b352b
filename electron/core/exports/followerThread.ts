/** What the thread is told, in order: where contents begin and end, how far the file was written, and that this was all. */
export type FollowerOrder =
  | { readonly at: number; readonly begins: boolean; readonly isDeflated: boolean }
  | { readonly upto: number }
  | 'end';

/** One content as it lies there. */
export interface ReadContent {
  readonly from: number;
  readonly to: number;
  readonly isDeflated: boolean;
  /** Inflated, as are its hash and CRC-32. */
  readonly bytes: number;
  readonly sha256: string;
  readonly crc: number;
}

/** What the thread tells. */
export interface FollowerReport {
  /** Those read to their end since the last report. */
  readonly contents: readonly ReadContent[];
  /** Bytes of contents so far. */
  readonly read: number;
  /** At the end. */
  readonly whole: { readonly bytes: number; readonly sha256: string; readonly frameSha256: string } | null;
}

/**
 * What the thread runs. It is started from its text, so it may use nothing but what it declares itself. Its memory is
 * made once: what is read passes through one piece.
 */
export function followFile(): void {
  const thread = process.getBuiltinModule('node:worker_threads');
  const { openSync, readSync } = process.getBuiltinModule('node:fs');
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { constants, crc32, createInflateRaw, inflateRawSync } = process.getBuiltinModule('node:zlib');

  const pieceBytes = 256 * 1024;
  const reportEvery = 4 * 1024 * 1024;
  const contentsAtOnce = 500;
  /** Read as a whole and inflated at once: a stream costs more than the work. */
  const smallBytes = 64 * 1024;
  const file = openSync(String(thread.workerData), 'r');
  const piece = Buffer.alloc(pieceBytes);
  const whole = createHash('sha256');
  const frame = createHash('sha256');
  let marks: Exclude<FollowerOrder, { readonly upto: number } | 'end'>[] = [];
  /** How many of them were come by. */
  let passed = 0;
  let place = 0;
  let written = 0;
  let ended = false;
  let read = 0;
  let reported = 0;
  let contents: ReadContent[] = [];
  let content: ReturnType<typeof newContent> | null = null;
  let running = false;

  function tell(report: FollowerReport['whole']): void {
    thread.parentPort?.postMessage({ contents, read, whole: report } satisfies FollowerReport);
    contents = [];
    reported = read;
  }

  function newContent(from: number, isDeflated: boolean) {
    const hash = createHash('sha256');
    let crc = 0;
    let bytes = 0;
    const count = (unpacked: Uint8Array): void => {
      hash.update(unpacked);
      crc = crc32(unpacked, crc);
      bytes += unpacked.byteLength;
      read += unpacked.byteLength;
    };
    const inflating = isDeflated ? newInflating(count) : null;
    return {
      add: async (packed: Uint8Array) => {
        if (inflating === null) count(packed);
        else await inflating.add(packed);
      },
      end: async (to: number) => {
        await inflating?.end();
        contents.push({ from, to, isDeflated, bytes, sha256: hash.digest('hex'), crc });
      },
    };
  }

  function newInflating(count: (unpacked: Uint8Array) => void) {
    let small: Buffer | null = Buffer.alloc(0);
    let stream: import('node:zlib').InflateRaw | null = null;
    let failed: Error | null = null;
    let ends = false;
    const begin = (): import('node:zlib').InflateRaw => {
      const begun = createInflateRaw({ chunkSize: pieceBytes });
      begun.on('error', (error) => (failed = error));
      begun.on('end', () => (ends = true));
      begun.on('data', (chunk: Buffer<ArrayBuffer>) => {
        count(chunk);
        // Freed at once instead of by the collector, which gigabytes of these would keep busy.
        if (chunk.byteLength === pieceBytes && chunk.buffer.byteLength === pieceBytes)
          chunk.buffer.transfer(0);
      });
      return begun;
    };
    const put = (packed: Uint8Array): Promise<void> => {
      stream ??= begin();
      const into = stream;
      return new Promise((resolve, reject) => {
        into.write(packed, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    };
    return {
      async add(packed: Uint8Array) {
        if (small !== null && small.byteLength + packed.byteLength <= smallBytes) {
          small = Buffer.concat([small, packed]);
          return;
        }
        const before = small;
        small = null;
        if (before !== null && before.byteLength > 0) await put(before);
        await put(packed);
      },
      async end() {
        if (small !== null) {
          count(inflateRawSync(small, { finishFlush: constants.Z_FINISH }));
          return;
        }
        const into = stream;
        if (into === null) return;
        await new Promise<void>((resolve, reject) => {
          into.once('close', resolve);
          into.once('error', reject);
          into.end();
        });
        if (failed !== null || !ends) throw failed ?? new Error('it does not end');
      },
    };
  }

  /** Begins and ends the contents that do so here; gives where the next one does. */
  async function passMarks(): Promise<number> {
    for (let mark = marks[passed]; mark?.at === place; mark = marks[passed]) {
      passed += 1;
      if (mark.begins) content = newContent(place, mark.isDeflated);
      else {
        await content?.end(place);
        content = null;
      }
    }
    if (passed === marks.length) {
      marks = [];
      passed = 0;
    }
    return marks[passed]?.at ?? Infinity;
  }

  async function take(given: Uint8Array): Promise<void> {
    whole.update(given);
    for (let at = 0; at < given.byteLength;) {
      const left = given.byteLength - at;
      const part = given.subarray(at, at + Math.min(left, (await passMarks()) - place));
      if (content === null) frame.update(part);
      else await content.add(part);
      at += part.byteLength;
      place += part.byteLength;
    }
    if (read - reported >= reportEvery || contents.length >= contentsAtOnce) tell(null);
  }

  async function run(): Promise<void> {
    do {
      const bytes = readSync(file, piece, 0, Math.min(pieceBytes, written - place), place);
      if (bytes === 0 && place < written) throw new Error('unexpected end');
      await take(piece.subarray(0, bytes));
      await passMarks();
    } while (place < written);
    if (ended) tell({ bytes: place, sha256: whole.digest('hex'), frameSha256: frame.digest('hex') });
  }

  thread.parentPort?.on('message', (orders: readonly FollowerOrder[]) => {
    for (const order of orders) {
      if (order === 'end') ended = true;
      else if ('upto' in order) written = order.upto;
      else marks.push(order);
    }
    if (running) return;
    running = true;
    run().then(
      () => {
        running = false;
      },
      (error: unknown) => {
        // Thrown out of the thread, to whoever started it.
        setImmediate(() => {
          throw error;
        });
      },
    );
  });
}
