import { Button, Menu, Select } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { OutputOf } from '#shared/contract/index.ts';
import type { RedactionRow, ReviewedFile, ReviewedRow } from '#shared/contract/review.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Dim, Empty, Loaded, Panel, Status } from '../../components/Basics.tsx';
import { formatBytes, formatNumber, keyText } from '../../components/format.ts';
import { Redact, type Target } from './Redact.tsx';
import { Pager } from '../../components/Pager.tsx';
import styles from './review.module.css';

const words = en.review;
type Collection = OutputOf<'reviews.show'>['collections'][number];

const recordsAtOnce = 20;
const filesAtOnce = 100;
/** What the choice among collections is when the files are looked at; no collection has this name. */
const filesChosen = ' files';

interface Props {
  readonly exportId: number;
  readonly requestId: number;
  /** What is kept back of this request's packages now. */
  readonly redactions: readonly RedactionRow[];
  readonly hasFiles: boolean;
  readonly onLeave: () => void;
}

/** What would go out, record by record and file by file, and what of it is kept back. */
export function Review(props: Props): ReactNode {
  const { exportId } = props;
  const read = useRead('reviews.show', { exportId });
  const [chosen, setChosen] = useState<string | null>(null);
  const [target, setTarget] = useState<Target | null>(null);
  return (
    <Panel
      title={words.title}
      actions={
        <Button variant="default" size="xs" onClick={props.onLeave}>
          {words.leave}
        </Button>
      }
    >
      <Loaded read={read} rows={10}>
        {({ collections }) => {
          const name = chosen ?? collections.find((each) => each.rows !== 0)?.name ?? filesChosen;
          const collection = collections.find((each) => each.name === name);
          return (
            <div className={styles['review']}>
              <p>
                <Dim>{words.lead}</Dim>
              </p>
              <Select
                label={words.collection}
                allowDeselect={false}
                value={name}
                onChange={setChosen}
                data={[
                  ...collections.map(({ name: value, title, rows }) => ({
                    value,
                    label: `${title} (${rows === null ? words.many : formatNumber(rows)})`,
                  })),
                  ...(props.hasFiles ? [{ value: filesChosen, label: en.exportPage.files }] : []),
                ]}
              />
              {collection === undefined ? (
                <Files {...props} onRedact={setTarget} />
              ) : (
                <Records key={name} {...props} collection={collection} onRedact={setTarget} />
              )}
            </div>
          );
        }}
      </Loaded>
      <Redact
        requestId={props.requestId}
        target={target}
        onClose={() => {
          setTarget(null);
        }}
      />
    </Panel>
  );
}

function Records(
  props: Props & { readonly collection: Collection; readonly onRedact: (target: Target) => void },
): ReactNode {
  const { exportId, collection } = props;
  const [places, setPlaces] = useState<readonly (readonly string[] | null)[]>([null]);
  const cursor = places.at(-1) ?? null;
  const read = useRead(
    'reviews.page',
    {
      exportId,
      collection: collection.name,
      cursor: cursor === null ? null : [...cursor],
      limit: recordsAtOnce,
    },
    // Full values of a person: gone with the page that shows them.
    { keepFor: 0 },
  );
  return (
    <Loaded read={read} rows={10}>
      {({ rows, cursor: next }) =>
        rows.length === 0 ? (
          <Empty title={words.empty} />
        ) : (
          <>
            <ol className={styles['records']} aria-label={collection.title}>
              {rows.map((row, place) => (
                <li key={`${row.row} ${String(place)}`}>
                  <Record {...props} row={row} />
                </li>
              ))}
            </ol>
            <Pager
              shows={words.pageOf(places.length)}
              onEarlier={
                places.length === 1
                  ? null
                  : () => {
                      setPlaces(places.slice(0, -1));
                    }
              }
              onLater={
                next === null
                  ? null
                  : () => {
                      setPlaces([...places, next]);
                    }
              }
            />
          </>
        )
      }
    </Loaded>
  );
}

function Record(props: {
  readonly collection: Collection;
  readonly row: ReviewedRow;
  readonly redactions: readonly RedactionRow[];
  readonly onRedact: (target: Target) => void;
}): ReactNode {
  const { collection, row, redactions, onRedact } = props;
  const own = redactions.filter(
    (each) => !each.withdrawn && each.row?.collection === collection.name && each.row.id === row.row,
  );
  const whole = own.find((each) => each.column === null);
  const title = keyText(row.row);
  const place = { collection: collection.name, row: row.row };
  return (
    <article className={styles['record']} aria-label={`${collection.title} ${title}`}>
      <header className={styles['recordHead']}>
        <span className={styles['key']}>{title}</span>
        {whole === undefined ? null : <Kept redaction={whole} />}
        {row.row === '[]' ? (
          <Dim>{words.noKey}</Dim>
        ) : (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button
                variant="default"
                size="compact-xs"
                disabled={whole !== undefined}
                aria-label={words.keepBackOf(title)}
              >
                {words.keepBack}
              </Button>
            </Menu.Target>
            <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
              <Menu.Item
                onClick={() => {
                  onRedact({ says: `${collection.title}, ${title}`, what: { kind: 'record', ...place } });
                }}
              >
                {words.wholeRecord}
              </Menu.Item>
              {collection.columns
                .filter((column) => !own.some((each) => each.column === column.name))
                .map((column) => (
                  <Menu.Item
                    key={column.name}
                    onClick={() => {
                      onRedact({
                        says: `${collection.title}, ${title}: ${column.title}`,
                        what: { kind: 'field', ...place, column: column.name },
                      });
                    }}
                  >
                    {column.title}
                  </Menu.Item>
                ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </header>
      <dl className={styles['fields']}>
        {collection.columns.map((column) => {
          const kept = own.find((each) => each.column === column.name);
          const out = whole !== undefined || kept !== undefined;
          return (
            <div key={column.name} className={styles['field']}>
              <dt>{column.title}</dt>
              <dd>
                {out ? (
                  <s>
                    <Value value={row.values[column.name]} />
                  </s>
                ) : (
                  <Value value={row.values[column.name]} />
                )}
                {kept === undefined ? null : <Kept redaction={kept} />}
              </dd>
            </div>
          );
        })}
      </dl>
    </article>
  );
}

function Kept(props: { readonly redaction: RedactionRow }): ReactNode {
  return <Status tone="warn">{words.kept(words.ground[props.redaction.ground])}</Status>;
}

function Value(props: { readonly value: unknown }): ReactNode {
  const { value } = props;
  if (value === null || value === undefined || value === '') return <Dim>{en.common.nothing}</Dim>;
  return <span dir="auto">{typeof value === 'string' ? value : JSON.stringify(value)}</span>;
}

function Files(props: Props & { readonly onRedact: (target: Target) => void }): ReactNode {
  const { exportId, redactions, onRedact } = props;
  const [page, setPage] = useState(0);
  const read = useRead(
    'reviews.files',
    { exportId, offset: page * filesAtOnce, limit: filesAtOnce },
    { keepFor: 0 },
  );
  return (
    <Loaded read={read} rows={6}>
      {({ files, more }) =>
        files.length === 0 ? (
          <Empty title={words.noFiles} />
        ) : (
          <>
            <ol className={styles['records']} aria-label={en.exportPage.files}>
              {files.map((file, place) => (
                <li key={`${file.object} ${String(place)}`}>
                  <File file={file} redactions={redactions} onRedact={onRedact} />
                </li>
              ))}
            </ol>
            <Pager
              shows={words.pageOf(page + 1)}
              onEarlier={
                page === 0
                  ? null
                  : () => {
                      setPage(page - 1);
                    }
              }
              onLater={
                more
                  ? () => {
                      setPage(page + 1);
                    }
                  : null
              }
            />
          </>
        )
      }
    </Loaded>
  );
}

function File(props: {
  readonly file: ReviewedFile;
  readonly redactions: readonly RedactionRow[];
  readonly onRedact: (target: Target) => void;
}): ReactNode {
  const { file, redactions, onRedact } = props;
  const kept = redactions.find(
    (each) =>
      !each.withdrawn &&
      (each.object === file.object ||
        (each.column === null &&
          each.row !== null &&
          each.row.collection === file.row?.collection &&
          each.row.id === file.row.id)),
  );
  return (
    <div className={styles['file']}>
      <span className={styles['grow']} dir="auto">
        {kept === undefined ? file.key : <s>{file.key}</s>}
      </span>
      <Dim>
        {file.contentType}
        {file.bytes === null ? '' : `, ${formatBytes(file.bytes)}`}
      </Dim>
      {kept === undefined ? (
        <Button
          variant="default"
          size="compact-xs"
          aria-label={words.keepBackOf(file.key)}
          onClick={() => {
            onRedact({ says: file.key, what: { kind: 'file', key: file.key } });
          }}
        >
          {words.keepBack}
        </Button>
      ) : (
        <Kept redaction={kept} />
      )}
    </div>
  );
}
