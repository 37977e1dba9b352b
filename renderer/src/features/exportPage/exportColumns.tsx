import { Link } from 'react-router';
import type { ExportRow } from '#shared/contract/exports.ts';
import { en } from '#shared/strings/en.ts';
import { copy } from '../../client/notices.tsx';
import { paths } from '../../client/paths.ts';
import { Dim, Moment, Reference } from '../../components/Basics.tsx';
import { CellText, type DataColumn } from '../../components/DataTable.tsx';
import { formatBytes, formatNumber } from '../../components/format.ts';
import { ExportState } from './ExportState.tsx';

function figure(value: number | null): string {
  return value === null ? en.common.nothing : formatNumber(value);
}

/** The columns in which packages are listed. */
export const exportColumns: readonly DataColumn<ExportRow>[] = [
  {
    id: 'package',
    title: en.exportPage.columns.package,
    width: '88px',
    cell: (row) => String(row.id),
    sort: (row) => row.id,
  },
  {
    id: 'request',
    title: en.exportPage.columns.request,
    width: 'minmax(104px, 0.6fr)',
    cell: (row) => <Link to={paths.request(row.requestId)}>{en.common.request(row.requestId)}</Link>,
    sort: (row) => row.requestId,
  },
  {
    id: 'person',
    title: en.exportPage.columns.person,
    width: 'minmax(136px, 0.8fr)',
    cell: (row) => <Reference text={row.subject} />,
    sort: (row) => row.subject,
  },
  {
    id: 'state',
    title: en.exportPage.columns.state,
    width: 'minmax(136px, 0.8fr)',
    cell: (row) => <ExportState row={row} />,
    sort: (row) => row.state,
  },
  {
    id: 'started',
    title: en.exportPage.columns.started,
    width: 'minmax(176px, 1fr)',
    cell: (row) => <Moment at={row.startedAt} />,
    sort: (row) => row.startedAt,
  },
  {
    id: 'by',
    title: en.exportPage.columns.by,
    width: 'minmax(112px, 0.8fr)',
    cell: (row) => <CellText>{row.startedBy}</CellText>,
    sort: (row) => row.startedBy,
  },
  {
    id: 'rows',
    title: en.exportPage.columns.rows,
    width: '88px',
    end: true,
    cell: (row) => figure(row.rows),
    sort: (row) => row.rows ?? -1,
  },
  {
    id: 'files',
    title: en.exportPage.columns.files,
    width: '72px',
    end: true,
    cell: (row) => figure(row.files),
    sort: (row) => row.files ?? -1,
  },
  {
    id: 'size',
    title: en.exportPage.columns.size,
    width: '96px',
    end: true,
    cell: (row) => (row.bytes === null ? en.common.nothing : formatBytes(row.bytes)),
    sort: (row) => row.bytes ?? -1,
  },
  {
    id: 'sha256',
    title: en.exportPage.columns.sha256,
    width: '144px',
    cell: (row) =>
      row.sha256 === null ? (
        <Dim>{en.common.nothing}</Dim>
      ) : (
        <Reference text={row.sha256} short onCopy={copy} />
      ),
  },
];
