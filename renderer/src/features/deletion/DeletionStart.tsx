import { Button } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';
import { Link, Navigate, useNavigate, useParams } from 'react-router';
import type { RequestRow } from '#shared/contract/requests.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Controller, FailureNote, Loaded, Note, Page, Panel } from '../../components/Basics.tsx';
import styles from './deletion.module.css';

/** Makes the plan of a deletion request, or leads to the one there is. */
export function DeletionStart(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead('requests.show', { id });
  const plans = useRead('erasure.list', { requestId: id });
  return (
    <Loaded read={read} rows={6} page={en.deletion.title}>
      {({ request }) => (
        <Loaded read={plans} rows={6} page={en.deletion.title}>
          {({ plans: all }) => {
            const live = all.find((plan) => plan.state !== 'denied' && plan.state !== 'expired');
            return live ? <Navigate to={paths.plan(live.id)} replace /> : <Make request={request} />;
          }}
        </Loaded>
      )}
    </Loaded>
  );
}

function Make(props: { readonly request: RequestRow }): ReactNode {
  const { request } = props;
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const make = useWrite('erasure.plan', ({ plan, entry }) => {
    tell(en.deletion.titleFor(plan.id) + '.', entry);
    void navigate(paths.plan(plan.id), { replace: true });
  });
  const possible =
    works && request.kind === 'deletion' && request.subject !== null && request.closedAt === null;
  useEffect(() => {
    document.getElementById('cancel-plan')?.focus();
  }, []);
  return (
    <Page
      title={en.deletion.title}
      lead={<Link to={paths.request(request.id)}>{en.common.request(request.id)}</Link>}
      scrolls
    >
      <Controller says={request.controller} />
      <Panel title={en.deletion.make}>
        <div className={styles['form']}>
          <p>{en.deletion.makeText}</p>
          {request.kind !== 'deletion' ? <Note tone="warn">{en.deletion.notDeletion}</Note> : null}
          {request.subject === null ? <Note tone="warn">{en.deletion.noPerson}</Note> : null}
          {make.error ? (
            <FailureNote
              failure={make.error}
              onRetry={() => {
                make.mutate({ requestId: request.id });
              }}
            />
          ) : null}
          <div className={styles['buttons']}>
            <Button id="cancel-plan" component={Link} to={paths.request(request.id)} variant="default">
              {en.common.cancel}
            </Button>
            <Button
              disabled={!possible}
              loading={make.isPending}
              onClick={() => {
                make.mutate({ requestId: request.id });
              }}
            >
              {en.deletion.make}
            </Button>
            {make.isPending ? <span role="status">{en.deletion.making}</span> : null}
          </div>
        </div>
      </Panel>
    </Page>
  );
}
