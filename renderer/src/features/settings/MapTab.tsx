import { useState, type ReactNode } from 'react';
import type { ExplainedCollection } from '#shared/contract/dataMap.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Dim, Facts, Hash, Loaded, Note, Panel } from '../../components/Basics.tsx';
import { formatNumber } from '../../components/format.ts';
import { BucketCheck } from './BucketCheck.tsx';
import { Findings } from './Findings.tsx';
import { Inventory } from './Inventory.tsx';
import { MapPicture } from './MapPicture.tsx';
import pictureStyles from './mapPicture.module.css';
import styles from './settings.module.css';

const words = en.settings.map;

/** The data map in force: whether it covers the schema, how tables hang together, what is done with each column and why. */
export function MapTab(): ReactNode {
  const map = useRead('map.explain', {});
  const check = useRead('map.check', {});
  return (
    <div className={styles['stack']}>
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
      <BucketCheck />
      <Loaded read={map} rows={10}>
        {(explained) => <Explained map={explained} />}
      </Loaded>
      <Inventory />
    </div>
  );
}

function Explained(props: { readonly map: OutputOf<'map.explain'> }): ReactNode {
  const { hash, policy, subjects, collections, picture } = props.map;
  const [chosen, setChosen] = useState<string | null>(null);
  const current = collections.find((collection) => collection.name === chosen) ?? collections[0];
  return (
    <>
      <Panel>
        <Facts
          facts={[
            [words.policy, policy],
            [words.hash, <Hash key="hash" text={hash} />],
            [words.collections, formatNumber(collections.length)],
            ...subjects.map((subject): [string, ReactNode] => [
              subject.title,
              <span key={subject.kind}>
                {formatNumber(subject.collections)}{' '}
                {subject.controller === null ? null : <Dim>· {subject.controller}</Dim>}
              </span>,
            ]),
          ]}
        />
      </Panel>
      <Panel title={words.picture} flush>
        <MapPicture picture={picture} chosen={current?.name ?? null} onChoose={setChosen} />
      </Panel>
      {current === undefined ? null : (
        <Collections collections={collections} current={current} onChoose={setChosen} />
      )}
    </>
  );
}

function Collections(props: {
  readonly collections: readonly ExplainedCollection[];
  readonly current: ExplainedCollection;
  readonly onChoose: (name: string) => void;
}): ReactNode {
  const { current } = props;
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
                    props.onChoose(collection.name);
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
        <div style={{ padding: '8px 16px' }} aria-live="polite">
          <p>{current.erasureSays}.</p>
          {current.paths.map((path) => (
            <p key={path.number}>
              <Dim>{words.path(path.number, path.says)}</Dim>
            </p>
          ))}
        </div>
        <Columns collection={current} />
      </Panel>
    </div>
  );
}

function Columns(props: { readonly collection: ExplainedCollection }): ReactNode {
  const { title, columns } = props.collection;
  return (
    <div className={pictureStyles['wide']} role="region" aria-label={words.columnsOf(title)} tabIndex={0}>
      <table className={pictureStyles['table']} style={{ minWidth: 720 }}>
        <thead>
          <tr>
            {Object.values(words.columns).map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <tr key={column.name}>
              <th scope="row" title={column.name}>
                {column.title === column.name ? column.name : `${column.title} (${column.name})`}
              </th>
              <td>{column.category}</td>
              <td>{column.never ? words.never : (column.mask ?? <Dim>{words.unmasked}</Dim>)}</td>
              <td>{column.action}</td>
              <td>
                <ul>
                  {column.reasons.map((reason) => (
                    <li key={reason}>{reason}</li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
