import { Button, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { Restore } from '#shared/contract/audit.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import { Dim, FailureNote, Moment, Panel, Status, type Tone } from '../../components/Basics.tsx';
import { instantOf, useZone, zoneName } from '../../components/format.ts';
import { PasswordAgain } from '../../components/PasswordAgain.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import styles from './trail.module.css';

const words = en.trail.restore;

const tones: Readonly<Record<Restore['state'], Tone>> = {
  asked: 'warn',
  confirmed: 'info',
  denied: 'bad',
  superseded: 'plain',
  expired: 'plain',
};

/** That the database was restored from a backup: said where entries are missing, confirmed by another person, and kept in sight. */
export function RestorePanel(): ReactNode {
  const session = useSession();
  const administers = useMay(['admin']);
  const contradicted = session.trailFault !== null;
  const { data } = useRead('audit.restores', {}, { every: 15_000 });
  const restores = (data?.restores ?? []).filter(({ state }) => state === 'confirmed' || state === 'asked');
  if (!contradicted && restores.length === 0) return null;
  return (
    <Panel title={words.title}>
      <div className={styles['restores']}>
        {restores.map((restore) => (
          <div key={restore.id} className={styles['restore']}>
            <p dir="auto">
              {words.says(restore.lost, restore.declaredBy)} {restore.reason}
            </p>
            <div>
              <Status tone={tones[restore.state]}>{words.state[restore.state]}</Status>{' '}
              <Dim>
                {words.asOf} <Moment at={restore.asOf} />
                {restore.decidedBy === null ? null : (
                  <>
                    , {words.by(restore.decidedBy)} <Moment at={restore.decidedAt ?? restore.declaredAt} />
                  </>
                )}
              </Dim>
            </div>
            {restore.state === 'asked' ? <Decide restore={restore} /> : null}
          </div>
        ))}
        {contradicted && administers ? <Declare /> : null}
        {contradicted && !administers && restores.every(({ state }) => state !== 'asked') ? (
          <p>{words.askAdmin}</p>
        ) : null}
      </div>
    </Panel>
  );
}

function Declare(): ReactNode {
  const zone = useZone();
  const [at, setAt] = useState('');
  const [reason, setReason] = useState('');
  const declare = useWrite('audit.declareRestore', ({ entry }) => {
    tell(words.declared, entry);
    setReason('');
  });
  const asOf = instantOf(at, zone);
  return (
    <form
      className={styles['restoreForm']}
      onSubmit={(event) => {
        event.preventDefault();
        if (asOf !== null) declare.mutate({ asOf, reason: reason.trim() });
      }}
    >
      <p>{words.declareText}</p>
      <TextInput
        type="datetime-local"
        step={1}
        label={words.when(zoneName(zone, new Date()))}
        description={words.whenHint}
        value={at}
        maw={320}
        onChange={(event) => {
          setAt(event.currentTarget.value);
        }}
      />
      <Reason label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} />
      {declare.error ? <FailureNote failure={declare.error} /> : null}
      <div>
        <Button
          type="submit"
          variant="default"
          disabled={asOf === null || !isReason(reason)}
          loading={declare.isPending}
        >
          {words.declare}
        </Button>
      </div>
    </form>
  );
}

function Decide(props: { readonly restore: Restore }): ReactNode {
  const { restore } = props;
  const session = useSession();
  const may = useMay(['auditor', 'approver']) && restore.declaredBy !== session.login;
  const password = usePasswordAgain();
  const decide = useWrite('audit.decideRestore', ({ entry }) => {
    tell(words.decided, entry);
  });
  if (!may) return <p>{words.own}</p>;
  const send = (decision: 'approve' | 'deny'): void => {
    decide.mutate({ restore: restore.id, decision, ...password.sent });
  };
  return (
    <div className={styles['restoreForm']}>
      <p>{words.confirmText}</p>
      {password.asked ? <PasswordAgain value={password.value} onChange={password.change} /> : null}
      {decide.error ? <FailureNote failure={decide.error} /> : null}
      <div className={styles['restoreButtons']}>
        <Button
          variant="default"
          loading={decide.isPending}
          onClick={() => {
            send('deny');
          }}
        >
          {words.deny}
        </Button>
        <Button
          variant="default"
          disabled={!password.given}
          loading={decide.isPending}
          onClick={() => {
            send('approve');
          }}
        >
          {words.confirm}
        </Button>
      </div>
    </div>
  );
}
