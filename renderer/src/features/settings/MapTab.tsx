import { useState, type ReactNode } from 'react';
import type { MappedCollection, MappedColumn } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Dim, Facts, Hash, Loaded, Note, Panel } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatNumber } from '../../components/format.ts';
import { Findings } from './Findings.tsx';
import styles from './settings.module.css';

const words = en.settings.map;

const columns: readonly DataColumn<MappedColumn>[] = [
  {
    id: 'title',
    title: words.columns.title,
    width: 'minmax(160px, 1fr)',
    cell: (column) => <CellText>{column.title}</CellText>,
    sort: (column) => column.title,
  },
  {
    id: 'category',
    title: words.columns.category,
    width: 'minmax(200px, 1.2fr)',
    cell: (column) => <CellText dim>{column.category}</CellText>,
    sort: (column) => column.category,
  },
  {
    id: 'kind',
    title: words.columns.kind,
    width: 'minmax(80px, 0.4fr)',
    cell: (column) => column.kind,
    sort: (column) => column.kind,
  },
  {
    id: 'mask',
    title: words.columns.mask,
    width: 'minmax(128px, 0.8fr)',
    cell: (column) =>
      column.mask === null ? <Dim>{words.unmasked}</Dim> : <CellText>{column.mask}</CellText>,
    sort: (column) => column.mask ?? '',
  },
  {
    id: 'correctable',
    title: words.columns.correctable,
    width: 'minmax(96px, 0.4fr)',
    cell: (column) => (column.correctable ? en.common.yes : <Dim>{en.common.no}</Dim>),
    sort: (column) => String(column.correctable),
  },
];

/** The data map in force: what is held, as what it counts, how it is masked, what erasure does. */
export function MapTab(): ReactNode {
  const map = useRead('map.show', {});
  const check = useRead('map.check', {});
  return (
    <div className={styles['stack']}>
      <Loaded read={map} rows={10}>
        {({ hash, collections }) => (
          <>
            <Panel>
              <Facts
                facts={[
                  [words.hash, <Hash key="hash" text={hash} />],
                  [words.collections, formatNumber(collections.length)],
                ]}
              />
            </Panel>
            <Collections collections={collections} />
          </>
        )}
      </Loaded>
      <Panel title={words.check} flush>
        <Loaded read={check} rows={2}>
          {({ findings }) => (
            <>
              {findings.every((each) => each.severity !== 'blocks') ? (
                <div style={{ padding: 16 }}>
                  <Note tone="good">{words.clean}</Note>
                </div>
              ) : null}
              <Findings
                findings={findings.map((each) => ({
                  what: each.subject,
                  detail: each.says,
                  blocks: each.severity === 'blocks',
                }))}
              />
            </>
          )}
        </Loaded>
      </Panel>
    </div>
  );
}

/** A column, and below it what the map says of values inside its document. */
function withPaths(column: MappedColumn): readonly MappedColumn[] {
  return [
    column,
    ...column.paths.map(({ path, category, mask, never }) => ({
      ...column,
      name: `${column.name}: ${path}`,
      title: `${column.title}: ${path}`,
      category,
      mask: never ? 'never' : mask,
    })),
  ];
}

function Collections(props: { readonly collections: readonly MappedCollection[] }): ReactNode {
  const [chosen, setChosen] = useState<string | null>(null);
  const current = props.collections.find((collection) => collection.name === chosen) ?? props.collections[0];
  if (!current) return null;
  return (
    <div className={styles['map']}>
      <Panel flush label={words.collections}>
        <div className={styles['collections']}>
          {[...Map.groupBy(props.collections, (collection) => collection.group)].map(([group, members]) => (
            <div key={group} role="group" aria-label={group}>
              <div className={styles['group']}>{group}</div>
              {members.map((collection) => (
                <button
                  key={collection.name}
                  type="button"
                  aria-pressed={collection.name === current.name}
                  className={`${styles['collection'] ?? ''} ${collection.name === current.name ? (styles['chosen'] ?? '') : ''}`}
                  style={{ width: 'calc(100% - 16px)' }}
                  onClick={() => {
                    setChosen(collection.name);
                  }}
                >
                  <span>{collection.title}</span>
                  <Dim>{collection.columns.length}</Dim>
                </button>
              ))}
            </div>
          ))}
        </div>
      </Panel>
      <Panel title={`${current.title} (${current.table})`} flush>
        <div style={{ padding: '8px 16px' }}>
          <p>
            {words.erasure[current.erasure]}
            {current.keptBecause === null ? '.' : `: ${current.keptBecause}`}
          </p>
          {current.never.length > 0 ? (
            <p>
              <Dim>
                {en.person.never}: {current.never.join(', ')}. {en.person.neverHint}
              </Dim>
            </p>
          ) : null}
        </div>
        <DataTable
          label={current.title}
          columns={columns}
          rows={current.columns.flatMap(withPaths)}
          rowKey={(column) => column.name}
          grows
        />
      </Panel>
    </div>
  );
}
