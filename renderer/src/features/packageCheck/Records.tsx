import { Modal, NativeSelect } from '@mantine/core';
import { useMemo, useState, type ReactNode } from 'react';
import type { PackageAbout, PackageSource } from '#shared/contract/exports.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Empty, Facts, Loaded, Note, Panel } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { Pager, pageLength } from './Pager.tsx';
import styles from './packageCheck.module.css';

const words = en.packageCheck;
type Row = OutputOf<'packages.records'>['records'][number];

/** The records of a package, one collection and one page at a time. */
export function Records(props: {
  readonly source: PackageSource;
  readonly collections: PackageAbout['collections'];
}): ReactNode {
  const { collections } = props;
  const [name, setName] = useState(collections.find(({ rows }) => rows > 0)?.name ?? collections[0]?.name);
  if (name === undefined) {
    return (
      <Panel label={words.tabs.records} className={styles['grow'] ?? ''} flush>
        <Empty centre title={words.noCollections} />
      </Panel>
    );
  }
  return (
    <>
      <NativeSelect
        label={words.collection}
        className={styles['select'] ?? ''}
        value={name}
        data={collections.map((each) => ({ value: each.name, label: `${each.name} (${String(each.rows)})` }))}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
      />
      <Collection key={name} source={props.source} name={name} />
    </>
  );
}

function Collection(props: { readonly source: PackageSource; readonly name: string }): ReactNode {
  const { source, name } = props;
  const [from, setFrom] = useState(1);
  const [open, setOpen] = useState<Row | null>(null);
  const read = useRead(
    'packages.records',
    { ...source, collection: name, from, limit: pageLength },
    { keepPrevious: true, keepFor: 0 },
  );
  const described = read.data?.columns;
  const columns = useMemo(() => columnsOf(described ?? []), [described]);
  // While another page is read, what is shown is still the one before.
  const first = read.data?.records[0]?.line ?? 1;
  return (
    <Panel
      title={name}
      flush
      className={styles['grow'] ?? ''}
      actions={
        <Pager
          from={first}
          count={read.data?.records.length ?? 0}
          next={read.data?.next ?? null}
          onGo={setFrom}
        />
      }
    >
      <Loaded read={read} rows={8}>
        {({ records }) =>
          records.length === 0 ? (
            <Empty centre title={words.empty} />
          ) : (
            <DataTable
              key={first}
              label={name}
              columns={columns}
              rows={records}
              rowKey={({ line }) => String(line)}
              onOpen={setOpen}
              takesKeys
            />
          )
        }
      </Loaded>
      <Modal
        opened={open !== null}
        onClose={() => {
          setOpen(null);
        }}
        title={open === null ? '' : words.record(open.line)}
        size={720}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {open === null ? null : (
          <div className={styles['record']}>
            {open.tooLong ? <Note tone="warn">{words.tooLong}</Note> : null}
            <Facts
              facts={(described ?? []).map((column) => [
                column.title,
                <span key={column.name} dir="auto" className={styles['value']}>
                  {textOf(open.values[column.name])}
                </span>,
              ])}
            />
          </div>
        )}
      </Modal>
    </Panel>
  );
}

function columnsOf(described: OutputOf<'packages.records'>['columns']): readonly DataColumn<Row>[] {
  return [
    { id: 'line', title: words.line, width: '72px', end: true, cell: ({ line }) => String(line) },
    ...described.map(({ name, title }, place): DataColumn<Row> => ({
      id: `column ${name}`,
      title,
      width: 'minmax(160px, 1fr)',
      cell: ({ values, tooLong }) =>
        tooLong && place === 0 ? (
          <CellText dim>{words.tooLongShort}</CellText>
        ) : (
          <CellText dim={(values[name] ?? null) === null}>{textOf(values[name]).slice(0, 300)}</CellText>
        ),
    })),
  ];
}

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return en.common.nothing;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
