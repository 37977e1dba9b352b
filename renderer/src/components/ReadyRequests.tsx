import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { RequestRow } from '#shared/contract/requests.ts';
import { en } from '#shared/strings/en.ts';
import { paths } from '../paths.ts';
import { DaysLeft, Dim, Empty, Loaded, Panel, Reference, type Reading } from './Basics.tsx';
import styles from './ReadyRequests.module.css';

/** Requests that something can be made for now; one without its person leads to the search first. */
export function ReadyRequests(props: {
  readonly title: string;
  readonly empty: string;
  readonly read: Reading<{ readonly requests: readonly RequestRow[] }>;
  readonly isReady: (request: RequestRow) => boolean;
  readonly action: string;
  readonly to: (requestId: number) => string;
}): ReactNode {
  return (
    <Panel title={props.title} flush>
      <div className={styles['list']}>
        <Loaded read={props.read} rows={2}>
          {({ requests }) => {
            const ready = requests.filter(props.isReady);
            return ready.length === 0 ? (
              <Empty title={props.empty} />
            ) : (
              ready.map((request) => (
                <div key={request.id} className={styles['item']}>
                  <span>
                    <Link to={paths.request(request.id)}>{en.common.request(request.id)}</Link>{' '}
                    <Dim>{en.request.kind[request.kind]}</Dim>
                  </span>
                  {request.subject === null ? (
                    <Dim>{en.request.notFoundYet}</Dim>
                  ) : (
                    <Reference text={request.subject} />
                  )}
                  <DaysLeft days={request.daysLeft} />
                  <Button
                    component={Link}
                    to={request.subject === null ? paths.searchFor(request.id) : props.to(request.id)}
                    variant="default"
                    size="compact-sm"
                  >
                    {request.subject === null ? en.request.searchPerson : props.action}
                  </Button>
                </div>
              ))
            );
          }}
        </Loaded>
      </div>
    </Panel>
  );
}
