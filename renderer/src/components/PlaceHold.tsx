import { Button, Modal, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useState, type ComponentProps, type ReactNode } from 'react';
import type { InputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { FailureNote, Reference } from './Basics.tsx';
import { today } from './format.ts';
import styles from './form.module.css';
import { isReason } from './Reason.tsx';

type On = InputOf<'holds.place'>['on'];

const words = en.holds;
const kinds = ['person', 'table', 'record'] as const;
type Kind = (typeof kinds)[number];

/** What the dialog shows to choose from, and what it does. */
interface Placing {
  readonly may: boolean;
  /** Login of who is signed in. */
  readonly me: string;
  readonly staff: readonly Choice[];
  readonly collections: readonly Choice[];
  readonly pending: boolean;
  readonly failure: ComponentProps<typeof FailureNote>['failure'] | null;
  readonly reset: () => void;
  readonly place: (hold: InputOf<'holds.place'>, onDone: () => void) => void;
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** By which somebody places a legal hold: on what is given, or on what they say. */
export function PlaceHold(props: {
  readonly title: string;
  readonly placing: Placing;
  readonly on?: On;
}): ReactNode {
  const { may, reset } = props.placing;
  const [opened, setOpened] = useState(false);
  const close = (): void => {
    setOpened(false);
  };
  if (!may) return null;
  return (
    <>
      <Button
        variant="default"
        onClick={() => {
          reset();
          setOpened(true);
        }}
      >
        {props.title}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={words.place}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {opened ? <PlaceForm on={props.on ?? null} placing={props.placing} onDone={close} /> : null}
      </Modal>
    </>
  );
}

/** Days until a hold is reviewed, unless somebody says otherwise. */
const usualDays = 90;

function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

function onOf(kind: Kind, subject: string, collection: string | null, row: string): On | null {
  if (kind === 'person') return subject.trim() === '' ? null : { subject: subject.trim() };
  if (collection === null) return null;
  if (kind === 'table') return { collection };
  return row.trim() === '' ? null : { collection, rowKey: row.trim() };
}

function PlaceForm(props: {
  readonly on: On | null;
  readonly placing: Placing;
  readonly onDone: () => void;
}): ReactNode {
  const { me, staff, collections, pending, failure, place } = props.placing;
  const [kind, setKind] = useState<Kind>('person');
  const [subject, setSubject] = useState('');
  const [collection, setCollection] = useState<string | null>(null);
  const [row, setRow] = useState('');
  const [ground, setGround] = useState('');
  const [authority, setAuthority] = useState('');
  const [owner, setOwner] = useState<string | null>(me);
  const [reviewOn, setReviewOn] = useState<string | null>(inDays(usualDays));
  const on = props.on ?? onOf(kind, subject, collection, row);
  const ready = on !== null && isReason(ground) && isReason(authority) && owner !== null && reviewOn !== null;
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (on !== null && owner !== null && reviewOn !== null)
          place({ on, ground: ground.trim(), authority: authority.trim(), owner, reviewOn }, props.onDone);
      }}
    >
      <p>{words.placeText}</p>
      {props.on !== null ? (
        <p>
          {'subject' in props.on ? words.kind.person : words.kind.record}:{' '}
          <Reference
            text={'subject' in props.on ? props.on.subject : (props.on.rowKey ?? props.on.collection)}
          />
        </p>
      ) : (
        <>
          <SegmentedControl
            aria-label={words.on}
            value={kind}
            onChange={(value) => {
              setKind(kinds.find((each) => each === value) ?? 'person');
            }}
            data={kinds.map((value) => ({ value, label: words.kind[value] }))}
          />
          {kind === 'person' ? (
            <TextInput
              label={words.person}
              description={words.personHint}
              value={subject}
              onChange={(event) => {
                setSubject(event.currentTarget.value);
              }}
            />
          ) : (
            <Select
              label={words.table}
              description={kind === 'table' ? words.tableHint : words.recordHint}
              searchable
              value={collection}
              onChange={setCollection}
              data={collections}
            />
          )}
          {kind === 'record' ? (
            <TextInput
              label={words.key}
              description={words.keyHint}
              spellCheck={false}
              value={row}
              onChange={(event) => {
                setRow(event.currentTarget.value);
              }}
            />
          ) : null}
        </>
      )}
      <Textarea
        label={words.ground}
        description={words.groundHint}
        autosize
        minRows={2}
        maxRows={4}
        maxLength={2_000}
        data-autofocus
        value={ground}
        onChange={(event) => {
          setGround(event.currentTarget.value);
        }}
      />
      <TextInput
        label={words.authority}
        description={words.authorityHint}
        maxLength={300}
        value={authority}
        onChange={(event) => {
          setAuthority(event.currentTarget.value);
        }}
      />
      <div className={styles['pair']}>
        <Select label={words.owner} value={owner} onChange={setOwner} data={staff} />
        <DatePickerInput
          label={words.reviewOn}
          valueFormat="D MMM YYYY"
          minDate={today()}
          popoverProps={{ withinPortal: true }}
          value={reviewOn}
          onChange={setReviewOn}
        />
      </div>
      {failure === null ? null : <FailureNote failure={failure} />}
      <div className={styles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!ready} loading={pending}>
          {words.place}
        </Button>
      </div>
    </form>
  );
}
