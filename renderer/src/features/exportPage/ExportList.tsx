import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { paths } from '../../client/paths.ts';
import { useRead } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { DaysLeft, Empty, Loaded, Page, Panel, Reference } from '../../components/Basics.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { CheckPackage } from './CheckPackage.tsx';
import { exportColumns } from './exportColumns.tsx';
import styles from './exportPage.module.css';

/** All packages, and the requests that still wait for one. */
export function ExportList(): ReactNode {
  const works = useMay(['operator']);
  const packages = useRead('exports.list', {}, { every: 30_000 });
  const requests = useRead('requests.list', { state: 'open' }, { enabled: works });
  const done = new Set(
    (packages.data?.exports ?? []).filter((one) => one.state === 'done').map((one) => one.requestId),
  );
  const ready = (requests.data?.requests ?? []).filter(
    (request) =>
      (request.kind === 'access' || request.kind === 'export') &&
      request.subject !== null &&
      !done.has(request.id),
  );
  return (
    <Page title={en.exportPage.listTitle} actions={<CheckPackage />}>
      {works ? (
        <Panel title={en.exportPage.ready} flush>
          <div style={{ maxHeight: 168, overflow: 'auto' }}>
            <Loaded read={requests} rows={2}>
              {() =>
                ready.length === 0 ? (
                  <Empty title={en.exportPage.readyEmpty} />
                ) : (
                  ready.map((request) => (
                    <div key={request.id} className={styles['item']}>
                      <span>
                        <Link to={paths.request(request.id)}>{en.common.request(request.id)}</Link>{' '}
                        {en.request.kind[request.kind]}
                      </span>
                      <Reference text={request.subject ?? ''} />
                      <DaysLeft days={request.daysLeft} />
                      <Button
                        component={Link}
                        to={paths.exportOf(request.id)}
                        variant="default"
                        size="compact-sm"
                      >
                        {en.exportPage.start}
                      </Button>
                    </div>
                  ))
                )
              }
            </Loaded>
          </div>
        </Panel>
      ) : null}
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
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
