import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { paths } from '../paths.ts';
import { Moment, Reference } from './Basics.tsx';
import { CellText, type DataColumn } from './DataTable.tsx';
import { formatNumber } from './format.ts';

/** Columns that lists of plans and of packages share: both belong to a request and its person. */
interface Belongs {
  readonly id: number;
  readonly requestId: number;
  readonly subject: string;
}

export function numberColumn(id: string, title: string): DataColumn<Pick<Belongs, 'id'>> {
  return { id, title, width: '88px', cell: (row) => String(row.id), sort: (row) => row.id };
}

export const requestColumn: DataColumn<Belongs> = {
  id: 'request',
  title: en.trail.columns.request,
  width: 'minmax(104px, 0.6fr)',
  cell: (row) => (
    <Link
      to={paths.request(row.requestId)}
      onClick={(event) => {
        // The row leads elsewhere.
        event.stopPropagation();
      }}
    >
      {en.common.request(row.requestId)}
    </Link>
  ),
  sort: (row) => row.requestId,
};

export const personColumn: DataColumn<Belongs> = {
  id: 'person',
  title: en.trail.columns.subject,
  width: 'minmax(136px, 0.8fr)',
  cell: (row) => <Reference text={row.subject} />,
  sort: (row) => row.subject,
};

export function timeColumn<Row>(id: string, title: string, at: (row: Row) => string): DataColumn<Row> {
  return {
    id,
    title,
    width: 'minmax(176px, 1fr)',
    cell: (row) => <Moment at={at(row)} />,
    sort: at,
  };
}

export function staffColumn<Row>(id: string, title: string, who: (row: Row) => string): DataColumn<Row> {
  return {
    id,
    title,
    width: 'minmax(112px, 0.8fr)',
    cell: (row) => <CellText>{who(row)}</CellText>,
    sort: who,
  };
}

/** A figure at the right; what is not known yet is a dash. */
export function figureColumn<Row>(
  id: string,
  title: string,
  width: string,
  value: (row: Row) => number | null,
  format: (value: number) => ReactNode = formatNumber,
): DataColumn<Row> {
  return {
    id,
    title,
    width,
    end: true,
    cell: (row) => {
      const figure = value(row);
      return figure === null ? en.common.nothing : format(figure);
    },
    sort: (row) => value(row) ?? -1,
  };
}
