import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { paths } from '../../client/paths.ts';
import { useRead } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { DaysLeft, Dim, Empty, Loaded, Page, Panel, Reference } from '../../components/Basics.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { planColumns } from '../../components/planColumns.tsx';
import styles from './deletion.module.css';

/** All deletion plans, and the deletion requests that still wait for one. */
export function DeletionList(): ReactNode {
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const plans = useRead('erasure.list', {}, { every: 30_000 });
  const requests = useRead('requests.list', { state: 'open' }, { enabled: works });
  const planned = new Set(
    (plans.data?.plans ?? [])
      .filter((plan) => plan.state !== 'denied' && plan.state !== 'expired')
      .map((plan) => plan.requestId),
  );
  const ready = (requests.data?.requests ?? []).filter(
    (request) => request.kind === 'deletion' && !planned.has(request.id),
  );
  return (
    <Page title={en.deletion.listTitle}>
      {works ? (
        <Panel title={en.deletion.ready} flush>
          <div style={{ maxHeight: 168, overflow: 'auto' }}>
            <Loaded read={requests} rows={2}>
              {() =>
                ready.length === 0 ? (
                  <Empty title={en.deletion.readyEmpty} />
                ) : (
                  ready.map((request) => (
                    <div key={request.id} className={styles['item']}>
                      <Link to={paths.request(request.id)}>{en.common.request(request.id)}</Link>
                      {request.subject === null ? (
                        <Dim>{en.request.notFoundYet}</Dim>
                      ) : (
                        <Reference text={request.subject} />
                      )}
                      <DaysLeft days={request.daysLeft} />
                      {request.subject === null ? (
                        <Button
                          component={Link}
                          to={paths.searchFor(request.id)}
                          variant="default"
                          size="compact-sm"
                        >
                          {en.request.searchPerson}
                        </Button>
                      ) : (
                        <Button
                          component={Link}
                          to={paths.deletionOf(request.id)}
                          variant="default"
                          size="compact-sm"
                        >
                          {en.deletion.make}
                        </Button>
                      )}
                    </div>
                  ))
                )
              }
            </Loaded>
          </div>
        </Panel>
      ) : null}
      <Panel title={en.deletion.plans} flush className={styles['grow'] ?? ''}>
        <Loaded read={plans} rows={6}>
          {({ plans: all }) =>
            all.length === 0 ? (
              <Empty centre title={en.deletion.plansEmpty} />
            ) : (
              <DataTable
                label={en.deletion.plans}
                columns={planColumns}
                rows={all}
                rowKey={(plan) => String(plan.id)}
                takesKeys
                onOpen={(plan) => void navigate(paths.plan(plan.id))}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
