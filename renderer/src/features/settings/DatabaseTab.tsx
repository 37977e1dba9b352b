import type { ReactNode } from 'react';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Dim, Facts, Hash, Loaded, Note, Panel, Status } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { Findings } from './Findings.tsx';
import styles from './settings.module.css';

const words = en.settings.database;

type Index = OutputOf<'database.indexes'>['indexes'][number];

const tones = { present: 'good', missing: 'warn', invalid: 'bad' } as const;

const columns: readonly DataColumn<Index>[] = [
  {
    id: 'name',
    title: words.indexColumns.name,
    width: 'minmax(200px, 1.2fr)',
    cell: (index) => <CellText>{index.name}</CellText>,
    sort: (index) => index.name,
  },
  {
    id: 'table',
    title: words.indexColumns.table,
    width: 'minmax(136px, 0.8fr)',
    cell: (index) => <CellText>{index.table}</CellText>,
    sort: (index) => index.table,
  },
  {
    id: 'purpose',
    title: words.indexColumns.purpose,
    width: 'minmax(200px, 1.5fr)',
    cell: (index) => <CellText dim>{index.purpose}</CellText>,
  },
  {
    id: 'state',
    title: words.indexColumns.state,
    width: '120px',
    cell: (index) => <Status tone={tones[index.state]}>{words.indexState[index.state]}</Status>,
    sort: (index) => index.state,
  },
];

/** The console's schema in the platform's database: version, drift, what staff reach outside the guard. */
export function DatabaseTab(): ReactNode {
  const session = useSession();
  const status = useRead('database.status', { profile: session.profile });
  const indexes = useRead('database.indexes', { profile: session.profile, apply: false });
  return (
    <div className={styles['stack']}>
      <Panel title={en.settings.tabs.database}>
        <Loaded read={status} rows={5}>
          {(one) => (
            <Facts
              facts={[
                [words.version, one.version === null ? words.notInstalled : String(one.version)],
                [words.program, String(one.programVersion)],
                [
                  words.mapHash,
                  one.mapHash === null ? en.common.nothing : <Hash key="map" text={one.mapHash} />,
                ],
                [words.programMap, <Hash key="program" text={one.programMapHash} />],
                [words.server, one.server],
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <Panel title={words.findings} flush>
        <Loaded read={status} rows={2}>
          {({ findings }) =>
            findings.length === 0 ? (
              <div style={{ padding: 16 }}>
                <Note tone="good">{words.clean}</Note>
              </div>
            ) : (
              <Findings findings={findings} />
            )
          }
        </Loaded>
      </Panel>
      <Panel title={words.indexes} flush>
        <Loaded read={indexes} rows={4}>
          {({ indexes: all }) => (
            <>
              <DataTable
                label={words.indexes}
                columns={columns}
                rows={all}
                rowKey={(index) => index.name}
                grows
              />
              <p style={{ padding: '8px 16px' }}>
                <Dim>{words.indexHint}</Dim>
              </p>
            </>
          )}
        </Loaded>
      </Panel>
    </div>
  );
}
