import { Modal } from '@mantine/core';
import { useCallback, useState, type ReactNode } from 'react';
import type { PackageFile, PackageSource } from '#shared/contract/exports.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Empty, Facts, Loaded, Panel, Status } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import { LinePager, pageLength } from './LinePager.tsx';
import styles from './packageCheck.module.css';

const words = en.packageCheck;

const columns: readonly DataColumn<PackageFile>[] = [
  { id: 'line', title: words.line, width: '72px', end: true, cell: ({ line }) => String(line) },
  {
    id: 'name',
    title: words.fileColumns.name,
    width: 'minmax(200px, 1.4fr)',
    cell: ({ name }) => <CellText>{name ?? en.common.nothing}</CellText>,
  },
  {
    id: 'path',
    title: words.fileColumns.path,
    width: 'minmax(176px, 1fr)',
    cell: ({ path }) => <CellText dim>{path ?? en.common.nothing}</CellText>,
  },
  {
    id: 'type',
    title: words.fileColumns.type,
    width: 'minmax(120px, 1fr)',
    cell: ({ contentType }) => <CellText dim>{contentType ?? en.common.nothing}</CellText>,
  },
  {
    id: 'size',
    title: words.fileColumns.size,
    width: '112px',
    end: true,
    cell: ({ bytes }) => (bytes === null ? en.common.nothing : formatBytes(bytes)),
  },
  {
    id: 'status',
    title: words.fileColumns.status,
    width: '120px',
    cell: ({ status }) => <Status tone={status === 'complete' ? 'good' : 'warn'}>{status}</Status>,
  },
];

/** The files of a package; of pictures, and of nothing else, what they show. */
export function Files(props: { readonly source: PackageSource }): ReactNode {
  const { source } = props;
  const [from, setFrom] = useState(1);
  const [open, setOpen] = useState<PackageFile | null>(null);
  const read = useRead(
    'packages.files',
    { ...source, from, limit: pageLength },
    { keepPrevious: true, keepFor: 0 },
  );
  // While another page is read, what is shown is still the one before.
  const first = read.data?.files[0]?.line ?? 1;
  return (
    <Panel
      title={words.tabs.files}
      flush
      className={styles['grow'] ?? ''}
      actions={
        <LinePager
          from={first}
          count={read.data?.files.length ?? 0}
          next={read.data?.next ?? null}
          onGo={setFrom}
        />
      }
    >
      <Loaded read={read} rows={8}>
        {({ files }) =>
          files.length === 0 ? (
            <Empty centre title={words.noFiles} />
          ) : (
            <DataTable
              key={first}
              label={words.tabs.files}
              columns={columns}
              rows={files}
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
        title={open?.name ?? open?.path ?? ''}
        size={720}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {open === null ? null : (
          <div className={styles['form']}>
            <Facts
              facts={[
                [words.fileColumns.path, open.path ?? en.common.nothing],
                [words.fileColumns.type, open.contentType ?? en.common.nothing],
                [words.fileColumns.size, open.bytes === null ? en.common.nothing : formatBytes(open.bytes)],
                [
                  words.fileColumns.status,
                  open.because === null ? open.status : `${open.status}: ${open.because}`,
                ],
              ]}
            />
            {open.path === null ? null : (
              <Picture source={source} path={open.path} name={open.name ?? open.path} />
            )}
          </div>
        )}
      </Modal>
    </Panel>
  );
}

function Picture(props: {
  readonly source: PackageSource;
  readonly path: string;
  readonly name: string;
}): ReactNode {
  const read = useRead('packages.picture', { ...props.source, path: props.path }, { keepFor: 0 });
  // What is no picture is told by its facts alone.
  if (read.error?.code === 'invalid_input') return <p>{words.noPicture}</p>;
  return (
    <Loaded read={read} rows={6}>
      {(picture) => <Shown picture={picture} name={props.name} />}
    </Loaded>
  );
}

/** The policy of the page lets pictures come from memory, under an address that ends with this. */
function Shown(props: { readonly picture: OutputOf<'packages.picture'>; readonly name: string }): ReactNode {
  const { type, base64 } = props.picture;
  const show = useCallback(
    (image: HTMLImageElement) => {
      const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
      const address = URL.createObjectURL(new Blob([bytes], { type }));
      image.src = address;
      return () => {
        URL.revokeObjectURL(address);
      };
    },
    [type, base64],
  );
  return <img className={styles['picture']} ref={show} alt={words.picture(props.name)} />;
}
