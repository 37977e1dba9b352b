import type { ReactNode } from 'react';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { copy } from '../../client/notices.tsx';
import { useRead } from '../../client/queries.ts';
import { Dim, Empty, Loaded, Moment, Panel, Reference, Status, type Tone } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatBytes, isUuid } from '../../components/format.ts';
import styles from './person.module.css';

type StoredObject = OutputOf<'subjects.objects'>['objects'][number];

const tones: Readonly<Record<StoredObject['state'], Tone>> = {
  stored: 'good',
  missing: 'bad',
  unnamed: 'warn',
};

const columns: readonly DataColumn<StoredObject>[] = [
  {
    id: 'name',
    title: en.person.fileName,
    width: 'minmax(200px, 1.5fr)',
    cell: (object) =>
      isUuid(object.name) ? (
        <Reference text={object.name} short onCopy={copy} />
      ) : (
        <CellText>{object.name}</CellText>
      ),
    sort: (object) => object.name,
  },
  {
    id: 'type',
    title: en.person.fileType,
    width: 'minmax(120px, 1fr)',
    cell: (object) => <CellText dim>{object.contentType ?? en.common.nothing}</CellText>,
    sort: (object) => object.contentType ?? '',
  },
  {
    id: 'size',
    title: en.person.fileSize,
    width: '120px',
    end: true,
    cell: (object) => (object.bytes === null ? <Dim>{en.common.nothing}</Dim> : formatBytes(object.bytes)),
    sort: (object) => object.bytes ?? -1,
  },
  {
    id: 'modified',
    title: en.person.fileModified,
    width: 'minmax(176px, 1fr)',
    cell: (object) =>
      object.modified === null ? <Dim>{en.common.nothing}</Dim> : <Moment at={object.modified} />,
    sort: (object) => object.modified ?? '',
  },
  {
    id: 'state',
    title: en.person.fileState,
    width: '176px',
    cell: (object) => (
      <Status tone={tones[object.state]} title={en.person.objectStateHint[object.state]}>
        {en.person.objectState[object.state]}
      </Status>
    ),
    sort: (object) => object.state,
  },
];

/** The person's objects in R2, by opaque name. */
export function Files(props: { readonly accessId: number; readonly reachable: boolean }): ReactNode {
  const read = useRead('subjects.objects', { accessId: props.accessId }, { enabled: props.reachable });
  return (
    <div style={{ flex: 1, minWidth: 0, display: 'flex' }}>
      <Panel flush label={en.person.filesTab} className={styles['spring'] ?? ''}>
        {!props.reachable ? (
          <Empty centre title={en.person.noFiles} text={en.person.noStore} />
        ) : (
          <Loaded read={read} rows={8}>
            {({ objects, cut }) =>
              objects.length === 0 ? (
                <Empty centre title={en.person.noFiles} text={en.person.noFilesHint} />
              ) : (
                <>
                  <DataTable
                    label={en.person.filesTab}
                    columns={columns}
                    rows={objects}
                    rowKey={(object) => object.name}
                    takesKeys
                  />
                  <div className={styles['foot']}>
                    {cut ? en.person.filesCut : en.common.objects(objects.length)}
                  </div>
                </>
              )
            }
          </Loaded>
        )}
      </Panel>
    </div>
  );
}
