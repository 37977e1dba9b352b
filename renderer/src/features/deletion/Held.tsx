import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { FailureNote, Moment, Note } from '../../components/Basics.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import styles from './deletion.module.css';

const words = en.deletion.held;

/** What holds all deletions up, if anything does. */
export function HeldNote(): ReactNode {
  const { data } = useRead('erasure.held', {}, { every: 10_000 });
  const admin = useMay(['admin']);
  const go = useWrite('erasure.continue', ({ entry }) => {
    tell(words.goesOn, entry);
  });
  if (data?.says === null || data === undefined) return null;
  return (
    <>
      <Note tone="warn">
        {data.says}{' '}
        {data.since === null ? (
          words.byItself
        ) : (
          <>
            {words.by(data.by ?? '')} <Moment at={data.since} />)
          </>
        )}
      </Note>
      {go.error ? <FailureNote failure={go.error} /> : null}
      {admin && data.since !== null ? (
        <div>
          <Button
            variant="default"
            loading={go.isPending}
            onClick={() => {
              go.mutate({});
            }}
          >
            {words.go}
          </Button>
        </div>
      ) : null}
    </>
  );
}

/** By which an administrator pauses all deletions. */
export function PauseButton(): ReactNode {
  const { data } = useRead('erasure.held', {});
  const admin = useMay(['admin']);
  const [opened, setOpened] = useState(false);
  if (!admin || data?.since !== null) return null;
  return (
    <>
      <Button
        variant="default"
        onClick={() => {
          setOpened(true);
        }}
      >
        {words.pause}
      </Button>
      <Modal
        opened={opened}
        onClose={() => {
          setOpened(false);
        }}
        title={words.pause}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        <PauseForm
          onDone={() => {
            setOpened(false);
          }}
        />
      </Modal>
    </>
  );
}

function PauseForm(props: { readonly onDone: () => void }): ReactNode {
  const [reason, setReason] = useState('');
  const pause = useWrite('erasure.pause', ({ entry }) => {
    tell(words.paused, entry);
    props.onDone();
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        pause.mutate({ reason: reason.trim() });
      }}
    >
      <p>{words.text}</p>
      <Reason first label={en.deletion.reason} hint={words.hint} value={reason} onChange={setReason} />
      {pause.error ? <FailureNote failure={pause.error} /> : null}
      <div className={styles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(reason)} loading={pause.isPending}>
          {words.pause}
        </Button>
      </div>
    </form>
  );
}
