import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ExportRow } from '#shared/contract/exports.ts';
import { en } from '#shared/strings/en.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Dim, Status } from '../../components/Basics.tsx';
import { exportTones } from '../../components/tones.ts';
import styles from './exportPage.module.css';

/** How an export stands; one that was interrupted can be closed by who began it, an approver or an administrator. */
export function ExportState(props: { readonly row: ExportRow }): ReactNode {
  const { row } = props;
  const { login, roles } = useSession();
  const close = useWrite('exports.abandon', ({ entry }) => {
    tell(en.exportPage.abandoned(row.id), entry);
  });
  const may =
    row.state === 'interrupted' &&
    (roles.includes('approver') ||
      roles.includes('admin') ||
      (row.startedBy === login && roles.includes('operator')));
  return (
    <span className={styles['state']}>
      <Status tone={exportTones[row.state]}>{en.request.exportState[row.state]}</Status>
      {row.kept === null ? null : <Dim>{en.exportPage.kept(row.kept.finished, row.kept.of)}</Dim>}
      {may ? (
        <Button
          variant="default"
          size="compact-sm"
          title={en.exportPage.abandonHint}
          aria-label={`${row.kept === null ? en.exportPage.abandon : en.exportPage.throwAway}: ${en.request.package(row.id)}`}
          loading={close.isPending}
          onClick={() => {
            close.mutate({ exportId: row.id }, { onError: tellFailure });
          }}
        >
          {row.kept === null ? en.exportPage.abandon : en.exportPage.throwAway}
        </Button>
      ) : null}
    </span>
  );
}
