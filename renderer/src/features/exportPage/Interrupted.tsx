import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { ExportRow } from '#shared/contract/exports.ts';
import type { InputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { Dim, FailureNote, Panel, Status } from '../../components/Basics.tsx';
import { exportTones } from '../../components/tones.ts';
import { asProtection, lacksKeys, Protection, type Protected } from './Protection.tsx';
import styles from './exportPage.module.css';

const words = en.exportPage;

/** An export that was interrupted and of which something lies on this computer: it goes on from there, or is thrown away. */
export function Interrupted(props: {
  readonly row: ExportRow;
  readonly kept: NonNullable<ExportRow['kept']>;
  readonly pending: boolean;
  readonly failure: CallFailed | null;
  readonly onResume: (input: InputOf<'exports.resume'>) => void;
}): ReactNode {
  const { row, kept } = props;
  const [folder, setFolder] = useState(kept.folder);
  const [protection, setProtection] = useState<Protected>({ kind: 'passphrase', recipients: '' });
  const close = useWrite('exports.abandon', ({ entry }) => {
    tell(words.abandoned(row.id), entry);
  });
  const isFolder = kept.form === 'folder';

  async function choose(): Promise<void> {
    try {
      const { folder: chosen } = await call('dialogs.chooseFolder', {});
      if (chosen !== null) setFolder(chosen);
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }

  return (
    <Panel
      title={en.request.package(row.id)}
      actions={<Status tone={exportTones.interrupted}>{en.request.exportState.interrupted}</Status>}
    >
      <div className={styles['form']}>
        <p>
          <strong>{words.kept(kept.finished, kept.of)}</strong>
        </p>
        <p>
          <Dim>{words.keptText}</Dim>
        </p>
        <div className={styles['row']}>
          <span className={styles['folder']}>{folder}</span>
          <Button variant="default" onClick={() => void choose()}>
            {words.choose}
          </Button>
        </div>
        {isFolder ? null : <Protection chosen={protection} onChange={setProtection} />}
        {props.failure === null ? null : <FailureNote failure={props.failure} />}
        <div className={styles['row']}>
          <Button
            loading={props.pending}
            disabled={!isFolder && lacksKeys(protection)}
            onClick={() => {
              props.onResume({
                exportId: row.id,
                folder,
                protection: isFolder ? { kind: 'none' } : asProtection(protection),
              });
            }}
          >
            {words.resume}
          </Button>
          <Button
            variant="default"
            loading={close.isPending}
            onClick={() => {
              close.mutate({ exportId: row.id }, { onError: tellFailure });
            }}
          >
            {words.throwAway}
          </Button>
        </div>
      </div>
    </Panel>
  );
}
