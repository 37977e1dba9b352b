import type { Batch } from '#shared/contract/batches.ts';
import { en } from '#shared/strings/en.ts';
import { Status } from './Basics.tsx';
import { CellText, type DataColumn } from './DataTable.tsx';
import { figureColumn, numberColumn, staffColumn, timeColumn } from './recordColumns.tsx';
import { batchTones } from './tones.ts';

const words = en.batches;

/** How many lines a batch has, or those in some states. */
export function linesOf({ states }: Pick<Batch, 'states'>): number {
  return Object.values(states).reduce((sum, each) => sum + each, 0);
}

/** The columns in which batches of deletions are listed. */
export const batchColumns: readonly DataColumn<Batch>[] = [
  numberColumn('batch', words.columns.batch),
  {
    id: 'state',
    title: words.columns.state,
    width: 'minmax(176px, 1fr)',
    cell: ({ state }) => <Status tone={batchTones[state]}>{words.state[state]}</Status>,
    sort: ({ state }) => state,
  },
  figureColumn('people', words.columns.people, '88px', linesOf),
  {
    id: 'source',
    title: words.columns.source,
    width: 'minmax(152px, 0.8fr)',
    cell: ({ source }) => <CellText>{words.source[source]}</CellText>,
    sort: ({ source }) => source,
  },
  {
    id: 'reason',
    title: words.columns.reason,
    width: 'minmax(200px, 2fr)',
    cell: ({ reason }) => <CellText>{reason}</CellText>,
  },
  timeColumn('at', words.columns.at, ({ at }) => at),
  staffColumn('by', words.columns.by, ({ by }) => by),
];
