import { SegmentedControl } from '@mantine/core';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { MappedCollection, MappedColumn } from '#shared/contract/dataMap.ts';
import type { Access, SubjectRow } from '#shared/contract/subjects.ts';
import { en } from '#shared/strings/en.ts';
import { dropAccess } from '../../client/accesses.ts';
import { useRead } from '../../client/queries.ts';
import { Chart } from '../../components/Chart.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { Empty, FailureNote, Loaded, Panel, Reference, Waiting } from '../../components/Basics.tsx';
import { formatCell, formatNumber, formatUtc, isUuid } from '../../components/format.ts';
import { Inspector } from './Inspector.tsx';
import { mostRows, useCollectionPages } from './pages.ts';
import { columnWidth, isFigure, writtenKind } from './shownColumns.ts';
import styles from './person.module.css';

/** One collection: its table (or chart) and the row chosen beside it. */
export function Collection(props: {
  readonly access: Access;
  readonly collection: MappedCollection;
  readonly picker: ReactNode;
}): ReactNode {
  const { access, collection, picker } = props;
  const [view, setView] = useState<'table' | 'chart'>('table');
  const [row, setRow] = useState<SubjectRow | null>(null);
  const [marked, setMarked] = useState<string | null>(null);
  const pages = useCollectionPages(access.id, collection.name);
  const closed = pages.failure?.code === 'access_closed';
  useEffect(() => {
    if (closed) dropAccess(access.subject);
  }, [closed, access.subject]);

  const columns = useMemo(
    () =>
      collection.columns.map((column): DataColumn<SubjectRow> => ({
        id: column.name,
        title: column.title,
        width: columnWidth(column),
        end: isFigure(column),
        cell: (each) => <Value column={column} value={each.cells[column.name] ?? null} />,
      })),
    [collection],
  );

  return (
    <div className={`${styles['held'] ?? ''} ${view === 'chart' ? (styles['wide'] ?? '') : ''}`}>
      <Panel flush label={collection.title}>
        {picker === null && collection.series === null ? null : (
          <div className={styles['collections']}>
            {picker ?? <strong>{collection.title}</strong>}
            <span className={styles['spring']} />
            {collection.series === null ? null : (
              <SegmentedControl
                value={view}
                onChange={(value) => {
                  setView(value === 'chart' ? 'chart' : 'table');
                }}
                data={[
                  { value: 'table', label: en.person.table },
                  { value: 'chart', label: en.person.chart },
                ]}
              />
            )}
          </div>
        )}
        {view === 'chart' ? (
          <Series accessId={access.id} collection={collection} />
        ) : pages.failure && !closed ? (
          <div style={{ padding: 16 }}>
            <FailureNote failure={pages.failure} onRetry={pages.retry} />
          </div>
        ) : pages.count === 0 && pages.loading ? (
          <Waiting rows={8} />
        ) : pages.count === 0 ? (
          <Empty centre title={en.person.nothingHeld} text={en.person.nothingHeldHint} />
        ) : (
          <>
            <DataTable
              label={collection.title}
              columns={columns}
              rows={pages.rows}
              offset={pages.offset}
              count={pages.count}
              openEnded={pages.openEnded}
              rowKey={(each) => each.key}
              onRange={pages.onRange}
              onActive={setRow}
              cells
              startsActive
              onMarked={setMarked}
              takesKeys
            />
            <div className={styles['foot']} role="status">
              {pages.count >= mostRows
                ? en.person.tooFar
                : pages.openEnded
                  ? en.person.rowsSeen(formatNumber(pages.count))
                  : en.common.rows(pages.count)}
            </div>
          </>
        )}
      </Panel>
      {view === 'chart' ? null : (
        <Inspector key={row?.key ?? ''} access={access} collection={collection} row={row} marked={marked} />
      )}
    </div>
  );
}

function Value(props: { readonly column: MappedColumn; readonly value: string | null }): ReactNode {
  const { column, value } = props;
  if (value === null) return <span className={styles['cellMasked']}>{en.common.nothing}</span>;
  if (column.mask !== null) {
    return (
      <span className={styles['cellMasked']} dir="auto">
        {value}
      </span>
    );
  }
  if (isUuid(value)) return <Reference text={value} short />;
  if (column.kind === 'time') {
    return (
      <time dateTime={value} title={formatUtc(value)}>
        {formatCell(column.kind, value)}
      </time>
    );
  }
  return <CellText>{formatCell(writtenKind(column), value)}</CellText>;
}

function Series(props: { readonly accessId: number; readonly collection: MappedCollection }): ReactNode {
  const read = useRead('subjects.series', { accessId: props.accessId, collection: props.collection.name });
  return (
    <div className={styles['chart']}>
      <Loaded read={read} rows={6}>
        {({ points }) => <Chart title={en.chart.byDay(props.collection.title)} points={points} />}
      </Loaded>
    </div>
  );
}
