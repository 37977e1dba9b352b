import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { paths } from '../../paths.ts';
import { useRead } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Empty, Loaded, Page, Panel } from '../../components/Basics.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { ReadyRequests } from '../../components/ReadyRequests.tsx';
import { LocalCopies } from './LocalCopies.tsx';
import { exportColumns } from './exportColumns.tsx';
import styles from './exportPage.module.css';

/** All packages, and the requests that still wait for one. */
export function ExportList(): ReactNode {
  const works = useMay(['operator']);
  const navigate = useNavigate();
  const packages = useRead('exports.list', {}, { every: 30_000 });
  const requests = useRead('requests.list', { state: 'open' }, { enabled: works });
  const done = new Set(
    (packages.data?.exports ?? []).filter((one) => one.state === 'done').map((one) => one.requestId),
  );
  return (
    <Page
      title={en.exportPage.listTitle}
      actions={
        <Button variant="default" component={Link} to={paths.packageCheck}>
          {en.packageCheck.title}
        </Button>
      }
    >
      {works ? (
        <ReadyRequests
          title={en.exportPage.ready}
          empty={en.exportPage.readyEmpty}
          read={requests}
          isReady={(request) =>
            (request.kind === 'access' || request.kind === 'export') && !done.has(request.id)
          }
          action={en.exportPage.start}
          to={paths.exportOf}
        />
      ) : null}
      <LocalCopies />
      <Panel title={en.exportPage.past} flush className={styles['grow'] ?? ''}>
        <Loaded read={packages} rows={6}>
          {({ exports }) =>
            exports.length === 0 ? (
              <Empty centre title={en.exportPage.pastEmpty} />
            ) : (
              <DataTable
                label={en.exportPage.past}
                columns={exportColumns}
                rows={exports}
                rowKey={(row) => String(row.id)}
                takesKeys
                onOpen={(row) => void navigate(paths.deliveryOf(row.id))}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
