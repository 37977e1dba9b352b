import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { copy as copyText, tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Dim, FailureNote, Moment, Panel, Reference } from '../../components/Basics.tsx';
import { DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import styles from './exportPage.module.css';

const words = en.delivery;
type Copy = OutputOf<'copies.list'>['copies'][number];

/** Packages that still lie on this computer, until when, and their end; nothing where there is none. */
export function LocalCopies(): ReactNode {
  const works = useMay(['operator']);
  const read = useRead('copies.list', {});
  const [asked, setAsked] = useState<Copy | null>(null);
  if (read.data === undefined || read.data.copies.length === 0) return null;
  const columns: readonly DataColumn<Copy>[] = [
    {
      id: 'package',
      title: words.copyColumns.package,
      width: '88px',
      cell: (row) => String(row.exportId),
      sort: (row) => row.exportId,
    },
    {
      id: 'path',
      title: words.copyColumns.path,
      width: 'minmax(240px, 3fr)',
      cell: (row) => <Reference text={row.path} onCopy={copyText} />,
      sort: (row) => row.path,
    },
    {
      id: 'size',
      title: words.copyColumns.size,
      width: '96px',
      end: true,
      cell: (row) => formatBytes(row.bytes),
      sort: (row) => row.bytes,
    },
    {
      id: 'expires',
      title: words.copyColumns.expires,
      width: 'minmax(176px, 1fr)',
      cell: (row) => <Moment at={row.expiresAt} />,
      sort: (row) => row.expiresAt,
    },
    {
      id: 'end',
      title: words.copyColumns.end,
      width: '112px',
      cell: (row) =>
        works ? (
          <Button
            variant="default"
            size="compact-xs"
            aria-label={words.shredOf(row.exportId)}
            onClick={() => {
              setAsked(row);
            }}
          >
            {words.shred}
          </Button>
        ) : null,
    },
  ];
  return (
    <Panel title={words.copies} flush>
      <p className={styles['above']}>
        <Dim>{words.copiesText(read.data.days)}</Dim>
      </p>
      <DataTable
        label={words.copies}
        columns={columns}
        rows={read.data.copies}
        rowKey={(row) => row.path}
        grows
      />
      <Shred
        asked={asked}
        onClose={() => {
          setAsked(null);
        }}
      />
    </Panel>
  );
}

function Shred(props: { readonly asked: Copy | null; readonly onClose: () => void }): ReactNode {
  const { asked, onClose } = props;
  const shred = useWrite('copies.shred', ({ entry }) => {
    tell(words.shredded, entry);
    onClose();
  });
  return (
    <Modal
      opened={asked !== null}
      onClose={() => {
        shred.reset();
        onClose();
      }}
      title={words.shredTitle}
      closeButtonProps={{ 'aria-label': en.common.close }}
    >
      <div className={styles['form']}>
        <p className={styles['folder']}>{asked?.path}</p>
        <p>{words.shredText}</p>
        {shred.error ? <FailureNote failure={shred.error} /> : null}
        <div className={styles['row']}>
          <Button variant="default" data-autofocus onClick={onClose}>
            {en.common.cancel}
          </Button>
          <Button
            color="red"
            loading={shred.isPending}
            onClick={() => {
              if (asked !== null) shred.mutate({ exportId: asked.exportId, path: asked.path });
            }}
          >
            {words.shred}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
