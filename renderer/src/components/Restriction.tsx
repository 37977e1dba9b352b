import { Button, Modal, Radio, Select } from '@mantine/core';
import { useState, type ComponentProps, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { InputOf } from '#shared/contract/index.ts';
import type { Restriction } from '#shared/contract/restrictions.ts';
import { restrictionExceptions, restrictionGrounds } from '#shared/domain/restriction.ts';
import { en } from '#shared/strings/en.ts';
import { paths } from '../paths.ts';
import { FailureNote, Note } from './Basics.tsx';
import styles from './form.module.css';
import { isReason, Reason } from './Reason.tsx';

const words = en.restrictions;

interface Writing {
  readonly may: boolean;
  readonly pending: boolean;
  readonly failure: ComponentProps<typeof FailureNote>['failure'] | null;
  readonly reset: () => void;
}

interface Placing extends Writing {
  readonly place: (wanted: InputOf<'restrictions.place'>, onDone: () => void) => void;
}

interface Excepting extends Writing {
  readonly except: (wanted: InputOf<'restrictions.except'>, onDone: () => void) => void;
}

/** A button and its dialog, which is made anew each time it opens. */
function Dialog(props: {
  readonly button: string;
  readonly title: string;
  readonly writing: Writing;
  readonly form: (close: () => void) => ReactNode;
}): ReactNode {
  const [opened, setOpened] = useState(false);
  const close = (): void => {
    setOpened(false);
  };
  if (!props.writing.may) return null;
  return (
    <>
      <Button
        variant="default"
        onClick={() => {
          props.writing.reset();
          setOpened(true);
        }}
      >
        {props.button}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={props.title}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {opened ? props.form(close) : null}
      </Modal>
    </>
  );
}

/** By which somebody restricts the processing of a person’s data. */
export function RestrictProcessing(props: {
  readonly subject: string;
  readonly requestId: number | null;
  readonly placing: Placing;
}): ReactNode {
  return (
    <Dialog
      button={words.act.place}
      title={words.place}
      writing={props.placing}
      form={(close) => <PlaceForm {...props} onDone={close} />}
    />
  );
}

function PlaceForm(props: {
  readonly subject: string;
  readonly requestId: number | null;
  readonly placing: Placing;
  readonly onDone: () => void;
}): ReactNode {
  const { subject, requestId, placing } = props;
  const [ground, setGround] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const chosen = restrictionGrounds.find((each) => each === ground);
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen !== undefined)
          placing.place(
            {
              ...{ subject, ground: chosen, reason: reason.trim() },
              ...(requestId === null ? {} : { requestId }),
            },
            props.onDone,
          );
      }}
    >
      <p>{words.placeText}</p>
      <Radio.Group label={words.ground} value={ground} onChange={setGround}>
        <div className={styles['form']} style={{ gap: 8, paddingTop: 6 }}>
          {restrictionGrounds.map((each) => (
            <Radio key={each} value={each} size="xs" label={words.grounds[each]} />
          ))}
        </div>
      </Radio.Group>
      <Reason label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} />
      <Ending
        ready={chosen !== undefined && isReason(reason)}
        writing={placing}
        action={words.place}
        onCancel={props.onDone}
      />
    </form>
  );
}

/** By which somebody states which exception of the law lets this request be worked on. */
export function StateException(props: {
  readonly restriction: Restriction;
  readonly requestId: number;
  readonly excepting: Excepting;
}): ReactNode {
  return (
    <Dialog
      button={words.act.except}
      title={words.actTitle.except(props.restriction.id)}
      writing={props.excepting}
      form={(close) => <ExceptForm {...props} onDone={close} />}
    />
  );
}

function ExceptForm(props: {
  readonly restriction: Restriction;
  readonly requestId: number;
  readonly excepting: Excepting;
  readonly onDone: () => void;
}): ReactNode {
  const { restriction, requestId, excepting } = props;
  const [exception, setException] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const chosen = restrictionExceptions.find((each) => each === exception);
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen !== undefined)
          excepting.except(
            { restriction: restriction.id, requestId, exception: chosen, reason: reason.trim() },
            props.onDone,
          );
      }}
    >
      <p>{words.exceptText}</p>
      <Select
        label={words.exception}
        value={exception}
        onChange={setException}
        comboboxProps={{ withinPortal: true }}
        data={restrictionExceptions.map((value) => ({ value, label: words.exceptionNames[value] }))}
      />
      <Reason label={words.reason} hint={words.exceptWhy} value={reason} onChange={setReason} />
      <Ending
        ready={chosen !== undefined && isReason(reason)}
        writing={excepting}
        action={words.act.except}
        onCancel={props.onDone}
      />
    </form>
  );
}

function Ending(props: {
  readonly ready: boolean;
  readonly writing: Writing;
  readonly action: string;
  readonly onCancel: () => void;
}): ReactNode {
  const { failure, pending } = props.writing;
  return (
    <>
      {failure === null ? null : <FailureNote failure={failure} />}
      <div className={styles['buttons']}>
        <Button variant="default" onClick={props.onCancel}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!props.ready} loading={pending}>
          {props.action}
        </Button>
      </div>
    </>
  );
}

/** That processing is restricted, and what that means here; under a request, whether an exception lets it be worked on. */
export function RestrictionNote(props: {
  readonly restriction: Restriction | null;
  readonly requestId: number | null;
  readonly children?: ReactNode;
}): ReactNode {
  const { restriction, requestId } = props;
  if (restriction === null) return null;
  const stated = restriction.exceptions.find(({ request }) => request === requestId);
  return (
    <Note tone="warn">
      <Link to={paths.holds}>{words.number(restriction.id)}</Link>:{' '}
      {words.onPerson(words.grounds[restriction.ground])}{' '}
      {stated === undefined
        ? words.onRequest
        : words.onRequestExcepted(words.exceptionNames[stated.exception])}
      {stated === undefined ? props.children : null}
    </Note>
  );
}
