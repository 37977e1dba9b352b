import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { paths } from '../../paths.ts';
import { useRead } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Empty, Loaded, Page, Panel } from '../../components/Basics.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { planColumns } from '../../components/planColumns.tsx';
import { ReadyRequests } from '../../components/ReadyRequests.tsx';
import { HeldNote, PauseButton } from './Held.tsx';
import { LedgerNote } from './Ledger.tsx';
import { SeekErased } from './SeekErased.tsx';
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
  return (
    <Page
      title={en.deletion.listTitle}
      actions={
        <>
          <Button component={Link} to={paths.retention} variant="default">
            {en.retention.title}
          </Button>
          {works ? (
            <Button component={Link} to={paths.closed} variant="default">
              {en.batches.closed.title}
            </Button>
          ) : null}
          <Button component={Link} to={paths.batches} variant="default">
            {en.batches.title}
          </Button>
          <Button component={Link} to={paths.ledger} variant="default">
            {en.deletion.ledger.title}
          </Button>
          <PauseButton />
        </>
      }
    >
      <HeldNote />
      <LedgerNote />
      {works ? (
        <ReadyRequests
          title={en.deletion.ready}
          empty={en.deletion.readyEmpty}
          read={requests}
          isReady={(request) => request.kind === 'deletion' && !planned.has(request.id)}
          action={en.deletion.make}
          to={paths.deletionOf}
        />
      ) : null}
      <SeekErased />
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
