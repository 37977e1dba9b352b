import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { FailureNote, type Shown } from './Basics.tsx';
import { PasswordAgain } from './PasswordAgain.tsx';
import { isReason, Reason } from './Reason.tsx';
import styles from './form.module.css';

/** The password of an approval, where one is asked for. */
interface TypedPassword {
  readonly asked: boolean;
  readonly value: string;
  readonly change: (password: string) => void;
  readonly given: boolean;
}

/** Where somebody approves or denies what another person wants, and says why. */
export function Decision(props: {
  readonly words: {
    readonly why: string;
    readonly hint: string;
    readonly approve: string;
    readonly deny: string;
  };
  readonly password: TypedPassword;
  readonly failure: Shown | null;
  /** What is on its way. */
  readonly sending: 'approve' | 'deny' | null;
  /** Whether the person can approve it at all; denying is always possible. */
  readonly mayApprove?: boolean;
  readonly onDecide: (decision: 'approve' | 'deny', reason: string) => void;
}): ReactNode {
  const { words, password, mayApprove = true } = props;
  const [reason, setReason] = useState('');
  const given = isReason(reason);
  const ready = given && password.given;
  return (
    <>
      <Reason label={words.why} hint={words.hint} value={reason} onChange={setReason} />
      {password.asked && mayApprove ? (
        <PasswordAgain value={password.value} onChange={password.change} />
      ) : null}
      {props.failure === null ? null : <FailureNote failure={props.failure} />}
      <div className={styles['buttons']}>
        <Button
          variant="default"
          disabled={!given}
          loading={props.sending === 'deny'}
          onClick={() => {
            props.onDecide('deny', reason.trim());
          }}
        >
          {words.deny}
        </Button>
        {mayApprove ? (
          <Button
            variant={ready ? 'filled' : 'default'}
            disabled={!ready}
            loading={props.sending === 'approve'}
            onClick={() => {
              props.onDecide('approve', reason.trim());
            }}
          >
            {words.approve}
          </Button>
        ) : null}
      </div>
    </>
  );
}
