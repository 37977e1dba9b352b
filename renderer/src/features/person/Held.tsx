import { SegmentedControl, Tabs } from '@mantine/core';
import { useMemo, useState, type ReactNode } from 'react';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import type { Access } from '#shared/contract/subjects.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Loaded } from '../../components/Basics.tsx';
import { formatNumber } from '../../components/format.ts';
import { Collection } from './Collection.tsx';
import { Files } from './Files.tsx';
import styles from './person.module.css';

type Counts = OutputOf<'subjects.show'>['counts'];

const filesTab = '\u0000files';

/** Names a category in the document, where names must not hold spaces. */
function tabOf(group: string): string {
  return group === filesTab ? 'objects' : `group-${group.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;
}

function countOf(counts: Counts, names: readonly string[]): string {
  const own = counts.filter((count) => names.includes(count.collection));
  const sum = own.reduce((total, count) => total + count.count, 0);
  return own.some((count) => count.capped) ? en.common.countCapped(sum) : formatNumber(sum);
}

function groupsOf(
  collections: readonly MappedCollection[],
): ReadonlyMap<string, readonly MappedCollection[]> {
  const groups = new Map<string, MappedCollection[]>();
  for (const collection of collections) {
    const group = groups.get(collection.group);
    if (group) group.push(collection);
    else groups.set(collection.group, [collection]);
  }
  return groups;
}

/** What is held, by the policy's categories. */
export function Held(props: { readonly access: Access; readonly counts: Counts }): ReactNode {
  const map = useRead('map.show', {});
  return (
    <Loaded read={map} rows={8}>
      {({ collections }) => <Categories {...props} collections={collections} />}
    </Loaded>
  );
}

function Categories(props: {
  readonly access: Access;
  readonly counts: Counts;
  readonly collections: readonly MappedCollection[];
}): ReactNode {
  const { access, counts, collections } = props;
  const session = useSession();
  // What the counts do not name does not belong to this kind of person.
  const counted = useMemo(() => {
    const named = new Set(counts.map((count) => count.collection));
    return groupsOf(collections.filter((collection) => named.has(collection.name)));
  }, [collections, counts]);
  const [group, setGroup] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const shownGroup = group ?? [...counted.keys()][0] ?? null;
  const inGroup = shownGroup === null ? [] : (counted.get(shownGroup) ?? []);
  const current = inGroup.find((collection) => collection.name === chosen) ?? inGroup[0];

  const picker =
    inGroup.length > 1 ? (
      <SegmentedControl
        aria-label={en.person.collections}
        value={current?.name ?? ''}
        onChange={setChosen}
        data={inGroup.map((collection) => ({
          value: collection.name,
          label: `${collection.title} ${countOf(counts, [collection.name])}`,
        }))}
      />
    ) : null;

  return (
    <Tabs
      value={shownGroup === null ? null : tabOf(shownGroup)}
      onChange={(value) => {
        setGroup([...counted.keys(), filesTab].find((name) => tabOf(name) === value) ?? null);
        setChosen(null);
      }}
      keepMounted={false}
      style={{ display: 'flex', flexDirection: 'column', flex: 1, minHeight: 0 }}
      styles={{ tab: { padding: '10px 10px' } }}
    >
      <Tabs.List aria-label={en.person.tabs} style={{ flexWrap: 'nowrap', overflowX: 'auto', flex: 'none' }}>
        {[...counted].map(([name, members]) => (
          <Tabs.Tab key={name} value={tabOf(name)} className={styles['tab'] ?? ''}>
            {name}
            <span className={styles['count']}>
              {countOf(
                counts,
                members.map((member) => member.name),
              )}
            </span>
          </Tabs.Tab>
        ))}
        <Tabs.Tab value={tabOf(filesTab)} className={styles['tab'] ?? ''}>
          {en.person.filesTab}
        </Tabs.Tab>
      </Tabs.List>
      {[...counted.keys(), filesTab].map((name) => (
        <Tabs.Panel
          key={name}
          value={tabOf(name)}
          style={{ flex: 1, minHeight: 0, paddingTop: 12, display: name === shownGroup ? 'flex' : 'none' }}
        >
          {name === filesTab ? (
            <Files accessId={access.id} reachable={session.objectStore} />
          ) : current && name === shownGroup ? (
            <Collection key={current.name} access={access} collection={current} picker={picker} />
          ) : null}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
