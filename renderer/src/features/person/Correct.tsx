import { Button, Checkbox, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { MappedCollection, MappedColumn } from '#shared/contract/dataMap.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import type { RequestRow } from '#shared/contract/requests.ts';
import type { Access, SubjectRow } from '#shared/contract/subjects.ts';
import { fitsFormat } from '#shared/domain/corrections.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { FailureNote, Loaded, Note } from '../../components/Basics.tsx';
import { CorrectionContent } from '../../components/CorrectionContent.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import formStyles from '../../components/form.module.css';
import styles from './person.module.css';

const words = en.correction;

interface Correctable extends MappedColumn {
  readonly correct: NonNullable<MappedColumn['correct']>;
}

/** What of a row may be corrected when it is a person of that kind who asks. */
export function correctableColumns(collection: MappedCollection, kind: string): readonly Correctable[] {
  return collection.columns.flatMap((column) =>
    column.correct === null || column.thirdParty.includes(kind)
      ? []
      : [{ ...column, correct: column.correct }],
  );
}

/** Corrects one record: the new values, then what they would change, then the change. */
export function Correct(props: {
  readonly access: Access;
  readonly collection: MappedCollection;
  readonly row: SubjectRow;
}): ReactNode {
  const { access, collection, row } = props;
  const [opened, setOpened] = useState(false);
  const requests = useRead('requests.list', { state: 'open', subject: access.subject });
  const open = (requests.data?.requests ?? []).filter((request) => request.kind === 'correction');
  const close = (): void => {
    setOpened(false);
  };
  return (
    <>
      <Button
        variant="default"
        disabled={open.length === 0}
        {...(open.length === 0 ? { title: words.needsRequest } : {})}
        onClick={() => {
          setOpened(true);
        }}
      >
        {words.act}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={words.actOn}
        size={800}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {opened ? (
          <Steps access={access} collection={collection} row={row} requests={open} onDone={close} />
        ) : null}
      </Modal>
    </>
  );
}

/** What was typed for a column; `empty` holds nothing there. */
interface Typed {
  readonly text: string;
  readonly empty: boolean;
}

const untyped: Typed = { text: '', empty: false };

function faultOf({ correct }: Correctable, { text, empty }: Typed): string | null {
  if (empty || text === '') return null;
  if (!fitsFormat(correct.format, text)) return words.format[correct.format];
  return correct.most !== null && [...text].length > correct.most ? words.tooLong(correct.most) : null;
}

function Steps(props: {
  readonly access: Access;
  readonly collection: MappedCollection;
  readonly row: SubjectRow;
  readonly requests: readonly RequestRow[];
  readonly onDone: () => void;
}): ReactNode {
  const { access, collection, row, requests, onDone } = props;
  const map = useRead('map.show', {});
  const columns = correctableColumns(collection, access.kind);
  const [typed, setTyped] = useState<Readonly<Record<string, Typed>>>({});
  const [reason, setReason] = useState('');
  const [requestId, setRequestId] = useState<number | null>(
    requests.find((request) => request.id === access.requestId)?.id ?? requests[0]?.id ?? null,
  );
  const [shown, setShown] = useState<OutputOf<'corrections.propose'> | null>(null);
  const propose = useWrite('corrections.propose', setShown);
  const typedIn = (column: string): Typed => typed[column] ?? untyped;
  const changed = columns.filter(({ name }) => typedIn(name).empty || typedIn(name).text !== '');
  const ready =
    requestId !== null &&
    changed.length > 0 &&
    changed.every((column) => faultOf(column, typedIn(column.name)) === null) &&
    isReason(reason);
  if (shown !== null)
    return (
      <Loaded read={map} rows={6}>
        {({ collections }) => (
          <Consequences
            shown={shown}
            collections={collections}
            onBack={() => {
              setShown(null);
            }}
            onDone={onDone}
          />
        )}
      </Loaded>
    );
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (!ready) return;
        propose.mutate({
          accessId: access.id,
          requestId,
          collection: collection.name,
          row: row.key,
          values: Object.fromEntries(
            changed.map(({ name }) => [name, typedIn(name).empty ? null : typedIn(name).text]),
          ),
          reason: reason.trim(),
        });
      }}
    >
      <p>{words.newHint}</p>
      {columns.map((column, place) => (
        <Field
          key={column.name}
          column={column}
          held={row.cells[column.name] ?? null}
          typed={typedIn(column.name)}
          first={place === 0}
          onChange={(value) => {
            setTyped((before) => ({ ...before, [column.name]: value }));
          }}
        />
      ))}
      {requests.length > 1 ? (
        <Select
          label={words.request}
          value={requestId === null ? null : String(requestId)}
          onChange={(value) => {
            setRequestId(value === null ? null : Number(value));
          }}
          data={requests.map((request) => ({
            value: String(request.id),
            label: en.common.request(request.id),
          }))}
        />
      ) : null}
      <Reason label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} />
      {propose.error ? <FailureNote failure={propose.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!ready} loading={propose.isPending}>
          {words.propose}
        </Button>
        <span className={styles['remark']}>{words.proposeHint}</span>
      </div>
    </form>
  );
}

function Field(props: {
  readonly column: Correctable;
  readonly held: string | null;
  readonly typed: Typed;
  readonly first: boolean;
  readonly onChange: (typed: Typed) => void;
}): ReactNode {
  const { column, held, typed, onChange } = props;
  const fault = faultOf(column, typed);
  const Input = column.kind === 'json' || column.correct.format === 'text' ? Textarea : TextInput;
  return (
    <div className={styles['correctField']}>
      <div className={styles['correctHeld']}>
        <span className={styles['fieldTitle']}>{column.title}</span>
        <span className={styles['masked']} dir="auto">
          {held ?? words.nothing}
        </span>
      </div>
      <div>
        <Input
          aria-label={words.newValue(column.title)}
          dir="auto"
          spellCheck={false}
          autoComplete="off"
          disabled={typed.empty}
          value={typed.text}
          error={fault}
          {...(props.first ? { 'data-autofocus': true } : {})}
          onChange={(event) => {
            onChange({ ...typed, text: event.currentTarget.value });
          }}
        />
        {column.correct.nullable && held !== null ? (
          <Checkbox
            mt={4}
            size="xs"
            label={words.makeEmpty}
            aria-label={words.makeEmptyOf(column.title)}
            checked={typed.empty}
            onChange={(event) => {
              onChange({ ...typed, empty: event.currentTarget.checked });
            }}
          />
        ) : null}
      </div>
    </div>
  );
}

/** What a proposal would change; nothing is written before its button is pressed. */
function Consequences(props: {
  readonly shown: OutputOf<'corrections.propose'>;
  readonly collections: readonly MappedCollection[];
  readonly onBack: () => void;
  readonly onDone: () => void;
}): ReactNode {
  const { shown, collections, onBack, onDone } = props;
  const { correction, content } = shown;
  const fits = content.values.every(({ verdict }) => verdict === 'fits');
  const run = useWrite('corrections.run', ({ copies, entry }) => {
    tell(words.doneTold(copies), entry);
    onDone();
  });
  return (
    <div className={formStyles['form']}>
      <CorrectionContent collection={correction.collection} content={content} collections={collections} />
      {!fits ? (
        <Note tone="warn">{words.cantRun}</Note>
      ) : correction.state === 'waiting' ? (
        <Note>{words.identityNote}</Note>
      ) : null}
      {run.error ? <FailureNote failure={run.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" data-autofocus onClick={onBack}>
          {words.again}
        </Button>
        {!fits ? null : correction.state === 'waiting' ? (
          <Button
            onClick={() => {
              tell(words.waitsTold);
              onDone();
            }}
          >
            {words.leaveWaiting}
          </Button>
        ) : (
          <Button
            loading={run.isPending}
            onClick={() => {
              run.mutate({ id: correction.id });
            }}
          >
            {words.run}
          </Button>
        )}
      </div>
    </div>
  );
}
