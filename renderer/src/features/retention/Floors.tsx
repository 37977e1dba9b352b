import { Button, Modal, NumberInput, Switch, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { RetentionFloor } from '#shared/contract/retention.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain } from '../../client/session.ts';
import { Dim, FailureNote, Moment, Panel, Status } from '../../components/Basics.tsx';
import formStyles from '../../components/form.module.css';
import { PasswordAgain } from '../../components/PasswordAgain.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import styles from './retention.module.css';

const words = en.retention;

/** Laws that ask for data to be kept, each off or on. */
export function Floors(props: { readonly floors: readonly RetentionFloor[] }): ReactNode {
  const approver = useMay(['approver']);
  const [changed, setChanged] = useState<RetentionFloor | null>(null);
  const close = (): void => {
    setChanged(null);
  };
  return (
    <Panel title={words.floors} flush>
      <p className={styles['hint']}>{words.floorsHint}</p>
      <ul className={styles['items']}>
        {props.floors.map((floor) => (
          <li key={floor.jurisdiction} className={styles['item']}>
            <span>
              <Status tone={floor.inForce ? 'warn' : 'plain'}>{floor.inForce ? words.on : words.off}</Status>{' '}
              {words.floor(floor.jurisdiction, floor.days)}
            </span>
            {approver ? (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`${words.change}: ${floor.jurisdiction}`}
                onClick={() => {
                  setChanged(floor);
                }}
              >
                {words.change}
              </Button>
            ) : (
              <span />
            )}
            <Dim>
              {floor.ground} · {floor.setBy === null ? words.neverSet : words.setBy(floor.setBy)}
              {floor.setAt === null ? null : (
                <>
                  , <Moment at={floor.setAt} />
                </>
              )}
            </Dim>
          </li>
        ))}
      </ul>
      <Modal
        opened={changed !== null}
        onClose={close}
        title={changed === null ? '' : words.changeTitle(changed.jurisdiction)}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {changed === null ? null : <Change floor={changed} onDone={close} />}
      </Modal>
    </Panel>
  );
}

function Change(props: { readonly floor: RetentionFloor; readonly onDone: () => void }): ReactNode {
  const { floor } = props;
  const [ground, setGround] = useState(floor.ground);
  const [days, setDays] = useState<string | number>(floor.days);
  const [inForce, setInForce] = useState(floor.inForce);
  const [reason, setReason] = useState('');
  const password = usePasswordAgain();
  const set = useWrite('retention.setFloor', ({ entry }) => {
    tell(words.floorTold, entry);
    props.onDone();
  });
  const ready = typeof days === 'number' && isReason(reason) && isReason(ground) && password.given;
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (typeof days !== 'number') return;
        set.mutate({
          jurisdiction: floor.jurisdiction,
          ground: ground.trim(),
          days,
          inForce,
          reason: reason.trim(),
          ...password.sent,
        });
      }}
    >
      <p>{words.changeText}</p>
      <Switch
        label={words.inForce}
        checked={inForce}
        onChange={(event) => {
          setInForce(event.currentTarget.checked);
        }}
      />
      <NumberInput
        label={words.floorDays}
        min={1}
        max={36_500}
        allowDecimal={false}
        value={days}
        onChange={setDays}
      />
      <TextInput
        label={words.ground}
        maxLength={300}
        value={ground}
        onChange={(event) => {
          setGround(event.currentTarget.value);
        }}
      />
      <Reason label={words.why} hint={words.whyFloor} value={reason} onChange={setReason} />
      {password.asked ? <PasswordAgain value={password.value} onChange={password.change} /> : null}
      {set.error ? <FailureNote failure={set.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!ready} loading={set.isPending}>
          {en.common.save}
        </Button>
      </div>
    </form>
  );
}
