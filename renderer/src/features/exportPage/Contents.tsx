import { Checkbox } from '@mantine/core';
import type { ReactNode } from 'react';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import { leftOutOf, leftOutReasons, type LeftOut } from '#shared/domain/exportProfiles.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Dim, Loaded, Panel } from '../../components/Basics.tsx';
import { ofKind, type Chosen } from './chosen.ts';
import styles from './exportPage.module.css';

interface Props {
  readonly kind: string | null;
  readonly chosen: Chosen;
  readonly onChange: (chosen: Chosen) => void;
}

/** What goes in and what stays out, by what was chosen; of a custom package each field can be taken out here. */
export function Contents(props: Props): ReactNode {
  const map = useRead('map.show', {});
  const outOf = (collections: readonly MappedCollection[]): readonly LeftOut[] =>
    props.kind === null ? [] : leftOutOf(props.chosen.profile, props.kind, collections, props.chosen);
  return (
    <div className={styles['stack']}>
      <Panel title={en.exportPage.contents}>
        <p>
          <Dim>{en.exportPage.contentsText[props.chosen.profile]}</Dim>
        </p>
        <Loaded read={map} rows={6}>
          {({ collections }) => {
            const held = ofKind(collections, props.kind);
            return <Groups {...props} held={held} out={outOf(held)} />;
          }}
        </Loaded>
      </Panel>
      <Panel title={en.exportPage.leftOut}>
        <Loaded read={map} rows={2}>
          {({ collections }) => {
            const held = ofKind(collections, props.kind);
            return <StaysOut held={held} out={outOf(held)} />;
          }}
        </Loaded>
      </Panel>
    </div>
  );
}

function Groups(
  props: Props & { readonly held: readonly MappedCollection[]; readonly out: readonly LeftOut[] },
): ReactNode {
  const session = useSession();
  const { held, out } = props;
  const isOut = (collection: MappedCollection): boolean =>
    out.some((each) => each.collection === collection.name && each.column === null);
  const fields = ({ name, columns }: MappedCollection): number =>
    columns.length - out.filter((each) => each.collection === name && each.column !== null).length;
  return (
    <div className={styles['groups']}>
      {[...Map.groupBy(held, (collection) => collection.group)].map(([group, members]) => (
        <div key={group} className={styles['group']}>
          <h3>{group}</h3>
          <ul className={styles['list']}>
            {members.map((collection) =>
              props.chosen.profile === 'custom' ? (
                <li key={collection.name} className={styles['choosing']}>
                  <Fields {...props} collection={collection} />
                </li>
              ) : isOut(collection) ? null : (
                <li key={collection.name}>
                  <span>{collection.title}</span>
                  <Dim>{en.exportPage.fields(fields(collection))}</Dim>
                </li>
              ),
            )}
          </ul>
        </div>
      ))}
      <div className={styles['group']}>
        <h3>{en.exportPage.files}</h3>
        <ul className={styles['list']}>
          <li>
            {!session.objectStore
              ? en.exportPage.noFiles
              : held.some((each) => each.objectPrefix !== null) &&
                  out.every((each) => each.column !== null) &&
                  props.chosen.since === null &&
                  props.chosen.until === null
                ? en.exportPage.filesText
                : en.exportPage.filesNamed}
          </li>
        </ul>
      </div>
    </div>
  );
}

/** A collection of a custom package, and its fields where one wants to choose among them. */
function Fields(props: Props & { readonly collection: MappedCollection }): ReactNode {
  const { chosen, onChange, collection } = props;
  const isIn = !chosen.without.includes(collection.name);
  const nameOf = (column: string): string => `${collection.name}.${column}`;
  const toggled = (list: readonly string[], name: string): readonly string[] =>
    list.includes(name) ? list.filter((each) => each !== name) : [...list, name];
  const left = collection.columns.filter((column) => !chosen.withoutColumns.includes(nameOf(column.name)));
  return (
    <>
      <Checkbox
        size="xs"
        label={collection.title}
        checked={isIn}
        onChange={() => {
          onChange({ ...chosen, without: toggled(chosen.without, collection.name) });
        }}
      />
      {isIn ? (
        <details>
          <summary aria-label={en.exportPage.fieldsOf(collection.title, left.length)}>
            {en.exportPage.fields(left.length)}
          </summary>
          {collection.columns.map((column) => (
            <Checkbox
              key={column.name}
              size="xs"
              label={column.title}
              checked={left.includes(column)}
              onChange={() => {
                onChange({
                  ...chosen,
                  withoutColumns: toggled(chosen.withoutColumns, nameOf(column.name)),
                });
              }}
            />
          ))}
        </details>
      ) : null}
    </>
  );
}

function StaysOut(props: {
  readonly held: readonly MappedCollection[];
  readonly out: readonly LeftOut[];
}): ReactNode {
  const { held, out } = props;
  const secret = held.filter((collection) => collection.never.length > 0);
  if (secret.length === 0 && out.length === 0) return <Dim>{en.exportPage.nothingLeftOut}</Dim>;
  const columnTitle = (collection: MappedCollection, name: string | null): string =>
    name === null
      ? en.exportPage.whole
      : (collection.columns.find((column) => column.name === name)?.title ?? name);
  return (
    <>
      {leftOutReasons.map((because) => {
        const given = out.filter((each) => each.because === because);
        if (given.length === 0) return null;
        return (
          <Reason
            key={because}
            says={en.exportPage.leftOutBecause[because]}
            lines={held.flatMap((collection) => {
              const mine = given.filter((each) => each.collection === collection.name);
              return mine.length === 0
                ? []
                : [
                    [
                      collection.title,
                      mine.map((each) => columnTitle(collection, each.column)).join(', '),
                    ] as const,
                  ];
            })}
          />
        );
      })}
      {secret.length === 0 ? null : (
        <Reason
          says={en.exportPage.leftOutNever}
          lines={secret.map((collection) => [collection.title, collection.never.join(', ')] as const)}
        />
      )}
    </>
  );
}

function Reason(props: {
  readonly says: string;
  readonly lines: readonly (readonly [string, string])[];
}): ReactNode {
  return (
    <div className={styles['reason']}>
      <p>
        <Dim>{props.says}</Dim>
      </p>
      <ul className={styles['list']}>
        {props.lines.map(([title, columns]) => (
          <li key={title}>
            <span>{title}</span>
            <Dim>{columns}</Dim>
          </li>
        ))}
      </ul>
    </div>
  );
}
