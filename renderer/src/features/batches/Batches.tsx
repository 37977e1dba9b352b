import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Empty, Loaded, Page, Panel } from '../../components/Basics.tsx';
import { batchColumns } from '../../components/batchColumns.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { paths } from '../../paths.ts';
import { FromList } from './FromList.tsx';
import styles from './batches.module.css';

const words = en.batches;

/** All batches of deletions, and where one begins. */
export function Batches(): ReactNode {
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const read = useRead('batches.list', {}, { every: 15_000 });
  return (
    <Page
      title={words.title}
      lead={words.lead}
      actions={
        works ? (
          <Button component={Link} to={paths.closed} variant="default">
            {words.closed.title}
          </Button>
        ) : null
      }
      scrolls
    >
      {works ? <FromList /> : null}
      <Panel title={words.title} flush className={styles['list'] ?? ''}>
        <Loaded read={read} rows={4}>
          {({ batches }) =>
            batches.length === 0 ? (
              <Empty centre title={words.empty} text={words.emptyHint} />
            ) : (
              <DataTable
                label={words.title}
                columns={batchColumns}
                rows={batches}
                rowKey={({ id }) => String(id)}
                takesKeys
                onOpen={({ id }) => void navigate(paths.batch(id))}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
