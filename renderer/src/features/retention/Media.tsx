import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { MediaAge } from '#shared/contract/retention.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Empty, Loaded, Panel } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import { figureColumn } from '../../components/recordColumns.tsx';
import styles from './retention.module.css';

const words = en.retention;

const columns: readonly DataColumn<MediaAge>[] = [
  {
    id: 'where',
    title: words.columns.where,
    width: 'minmax(136px, 1fr)',
    cell: (each) => <CellText>{each.collection}</CellText>,
  },
  {
    id: 'fate',
    title: words.fateColumn,
    width: 'minmax(240px, 2fr)',
    cell: (each) => <CellText>{words.fate[each.fate]}</CellText>,
    sort: (each) => words.fate[each.fate],
  },
  {
    id: 'age',
    title: words.ageColumn,
    width: 'minmax(160px, 1fr)',
    cell: (each) => <CellText>{words.age[each.age]}</CellText>,
    sort: (each) => Object.keys(words.age).indexOf(each.age),
  },
  figureColumn('files', words.filesColumn, '112px', (each) => each.objects),
  figureColumn('bytes', words.bytesColumn, '112px', (each) => each.bytes, formatBytes),
];

/** By what became of it, then by age. */
function order({ fate, age }: MediaAge): number {
  return Object.keys(words.fate).indexOf(fate) * 10 + Object.keys(words.age).indexOf(age);
}

/** Files by age, for counsel; counted when somebody asks, since it goes through every row that names one. */
export function Media(): ReactNode {
  const [asked, setAsked] = useState(false);
  const read = useRead('retention.media', {}, { enabled: asked });
  return (
    <Panel
      title={words.media}
      flush
      actions={
        asked ? undefined : (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              setAsked(true);
            }}
          >
            {words.mediaCount}
          </Button>
        )
      }
    >
      <p className={styles['hint']}>{words.mediaHint}</p>
      {asked ? (
        <Loaded read={read} rows={4}>
          {({ ages }) =>
            ages.length === 0 ? (
              <Empty title={words.mediaNone} />
            ) : (
              <DataTable
                label={words.media}
                columns={columns}
                rows={[...ages].sort((one, other) => order(one) - order(other))}
                rowKey={(each) => `${each.collection}.${each.fate}.${each.age}`}
                grows
              />
            )
          }
        </Loaded>
      ) : null}
    </Panel>
  );
}
