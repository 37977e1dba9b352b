import { ExpectedError } from '#core/kernel/errors.ts';
import { ahead, asLines, blockBytes, copyOf, giveBack, inBlocks } from './blocks.ts';
import { newDeflater } from './deflater.ts';
import { newTally, unlessAborted, whileWanted } from './digest.ts';
import type { Tally } from './digest.ts';
import type { CollectionReading } from './format.ts';
import type { PackageColumn } from './schema.ts';
import type { StagedCollection, StagedPart, Staging } from './staging.ts';
import { newTable } from './table.ts';

/** Rows of one collection, as JSON Lines. */
export interface PackageCollection {
  /** Becomes `data/records/<name>.jsonl`: letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  /** What people call it; its name where missing. */
  readonly title?: string;
  /** What its rows may hold, in the order of the table; where missing there is no table and no schema. */
  readonly columns?: readonly PackageColumn[];
  /** How many rows will come, as far as can be known; asked before the first. */
  readonly rowsInAll?: (signal: AbortSignal) => Promise<number>;
  /** The bytes of the lines, each ended by one line feed; may be cut anywhere. Must end when the signal aborts. */
  readonly rows: (signal: AbortSignal) => AsyncIterable<Uint8Array | string>;
  /** Counts the rows by another way; asked after the last row, a difference refuses the package. */
  readonly expectedRows?: (signal: AbortSignal) => Promise<number>;
  /** From which snapshots they were read; asked after the rows were counted. */
  readonly reading?: () => CollectionReading;
}

/** Blocks that are read while earlier ones are written: the database works on its next rows meanwhile. */
const blocksAhead = 10;

/**
 * Reads a collection to its end into the staging, its records and its table at
 * once, and holds the rows against their count. What it wrote is gone again
 * when it fails. Throws `conflict` where rows and count differ, and what the source throws.
 */
export async function stageCollection(
  { name, columns, rowsInAll, rows, expectedRows, reading }: PackageCollection,
  staging: Staging,
  signal: AbortSignal,
  seen: (tally: Tally, inAll: number | null) => void,
): Promise<StagedCollection> {
  const files: StagedFile[] = [];
  const start = async (holds: 'records' | 'table'): Promise<StagedFile> => {
    const file = await startFile(staging, holds);
    files.push(file);
    return file;
  };
  try {
    const inAll = rowsInAll === undefined ? null : await unlessAborted(rowsInAll(signal), signal);
    const records = await start('records');
    const table = columns === undefined ? null : { ...newTable(columns), file: await start('table') };
    await table?.file.add(table.head);
    const lines = inBlocks(asLines(whileWanted(rows(signal), signal)), blockBytes);
    for await (const block of ahead(lines, blocksAhead)) {
      await records.add(block);
      // Its memory is used again for the next.
      await table?.file.add(copyOf(table.add(block)));
      seen(records.tally, inAll);
    }
    // The database counts while the last blocks are deflated.
    const counting = expectedRows === undefined ? null : unlessAborted(expectedRows(signal), signal);
    counting?.catch(() => undefined);
    const parts = { records: await records.end(), table: (await table?.file.end()) ?? null };
    const expected = await counting;
    const { lines: given } = records.tally;
    if (expected !== null && expected !== given) {
      throw new ExpectedError(
        'conflict',
        `The export read ${String(given)} rows of ${name} where the database counts ${String(expected)}; nothing was kept, start the export again.`,
      );
    }
    const read = reading?.() ?? null;
    return {
      name,
      rows: given,
      rowsCounted: expected,
      reading: read === null ? null : { ...read, parts: [...read.parts] },
      ...parts,
    };
  } catch (error) {
    for (const file of files) await file.abandon();
    throw error;
  }
}

interface StagedFile {
  /** Of what it will be in the package. */
  readonly tally: Tally;
  add(block: Uint8Array): Promise<void>;
  end(): Promise<StagedPart>;
  abandon(): Promise<void>;
}

async function startFile(staging: Staging, holds: 'records' | 'table'): Promise<StagedFile> {
  const { name, writer } = await staging.create();
  const tally = newTally({ lines: holds === 'records' });
  const deflater = newDeflater((packed) => writer.write(packed), giveBack);
  return {
    tally,
    async add(block) {
      if (block.byteLength === 0) return;
      tally.add(block);
      await deflater.add(block);
    },
    async end() {
      const whole = await deflater.end();
      await writer.end();
      await writer.close();
      return { file: name, ...whole, sha256: tally.sha256() };
    },
    async abandon() {
      await deflater.settle();
      await writer.close();
      await staging.discard(name);
    },
  };
}
