import type { ExportRow } from '#shared/contract/exports.ts';
import { en } from '#shared/strings/en.ts';
import { copy } from '../../client/notices.tsx';
import { Dim, Reference } from '../../components/Basics.tsx';
import type { DataColumn } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import {
  figureColumn,
  numberColumn,
  personColumn,
  requestColumn,
  staffColumn,
  timeColumn,
} from '../../components/recordColumns.tsx';
import { ExportState } from './ExportState.tsx';

const titles = en.exportPage.columns;

/** The columns in which packages are listed. */
export const exportColumns: readonly DataColumn<ExportRow>[] = [
  numberColumn('package', titles.package),
  requestColumn,
  personColumn,
  {
    id: 'state',
    title: titles.state,
    width: 'minmax(184px, 0.8fr)',
    cell: (row) => <ExportState row={row} />,
    sort: (row) => row.state,
  },
  timeColumn('started', titles.started, (row) => row.startedAt),
  staffColumn('by', titles.by, (row) => row.startedBy),
  figureColumn('rows', titles.rows, '88px', (row) => row.rows),
  figureColumn('files', titles.files, '72px', (row) => row.files),
  figureColumn('size', titles.size, '96px', (row) => row.bytes, formatBytes),
  {
    id: 'sha256',
    title: titles.sha256,
    width: '144px',
    cell: (row) =>
      row.sha256 === null ? (
        <Dim>{en.common.nothing}</Dim>
      ) : (
        <Reference text={row.sha256} short onCopy={copy} />
      ),
  },
];
