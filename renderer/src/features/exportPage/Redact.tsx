import { Button, Modal, Radio } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { InputOf } from '#shared/contract/index.ts';
import type { RedactionRow } from '#shared/contract/review.ts';
import { redactionGrounds, type RedactionGround } from '#shared/domain/redaction.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Dim, FailureNote, Loaded, Panel } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { keyText } from '../../components/format.ts';
import { staffColumn, timeColumn } from '../../components/recordColumns.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import styles from './review.module.css';

const words = en.review;

/** What is about to be kept back, and how it is called. */
export interface Target {
  readonly says: string;
  readonly what: InputOf<'reviews.redact'>['what'];
}

/** Asks on what ground something is kept back, and why. What was last said is offered again, as a review goes row by row. */
export function Redact(props: {
  readonly requestId: number;
  readonly target: Target | null;
  readonly onClose: () => void;
}): ReactNode {
  const { requestId, target, onClose } = props;
  const [ground, setGround] = useState<RedactionGround | null>(null);
  const [reason, setReason] = useState('');
  const redact = useWrite('reviews.redact', ({ entry }) => {
    tell(words.redacted, entry);
    onClose();
  });
  const possible = ground !== null && isReason(reason);
  const submit = (): void => {
    if (target !== null && possible && !redact.isPending)
      redact.mutate({ requestId, what: target.what, ground, reason: reason.trim() });
  };
  return (
    <Modal
      opened={target !== null}
      onClose={() => {
        redact.reset();
        onClose();
      }}
      title={words.redactTitle}
      size={520}
      closeButtonProps={{ 'aria-label': en.common.close }}
    >
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !event.ctrlKey) return;
          // The page behind would make the package by it.
          event.preventDefault();
          submit();
        }}
      >
        <p className={styles['target']}>{target?.says}</p>
        <Radio.Group
          label={words.why}
          value={ground}
          onChange={(value) => {
            setGround(value);
          }}
        >
          <div className={styles['grounds']}>
            {redactionGrounds.map((each, place) => (
              <Radio
                key={each}
                value={each}
                label={words.ground[each]}
                description={words.groundHint[each]}
                {...(place === 0 ? { 'data-autofocus': true } : {})}
              />
            ))}
          </div>
        </Radio.Group>
        <Reason label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} />
        {redact.error ? <FailureNote failure={redact.error} /> : null}
        <div>
          <Button type="submit" disabled={!possible} loading={redact.isPending}>
            {words.keepBack}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** What is kept out of the packages of a request, and the way back; nothing where nothing ever was. */
export function Redactions(props: { readonly requestId: number; readonly open: boolean }): ReactNode {
  const may = useMay(['operator']);
  const read = useRead('reviews.redactions', { requestId: props.requestId });
  const map = useRead('map.show', {});
  const [asked, setAsked] = useState<RedactionRow | null>(null);
  const whatText = (row: RedactionRow): string => describe(row, map.data?.collections ?? []);
  if (read.data?.redactions.length === 0) return null;
  const columns: readonly DataColumn<RedactionRow>[] = [
    {
      id: 'what',
      title: words.columns.what,
      width: 'minmax(240px, 2fr)',
      cell: (row) => <CellText dim={row.withdrawn}>{whatText(row)}</CellText>,
      sort: whatText,
    },
    {
      id: 'ground',
      title: words.columns.ground,
      width: 'minmax(176px, 1fr)',
      cell: (row) => <CellText>{words.ground[row.ground]}</CellText>,
      sort: (row) => row.ground,
    },
    staffColumn('by', words.columns.by, (row) => row.redactedBy),
    timeColumn('at', words.columns.at, (row) => row.redactedAt),
    {
      id: 'back',
      title: words.columns.state,
      width: '152px',
      cell: (row) =>
        row.withdrawn ? (
          <Dim>{words.withdrawn}</Dim>
        ) : may && props.open ? (
          <Button
            variant="default"
            size="compact-xs"
            aria-label={words.letOutOf(whatText(row))}
            onClick={() => {
              setAsked(row);
            }}
          >
            {words.letOut}
          </Button>
        ) : (
          words.inForce
        ),
    },
  ];
  return (
    <Panel title={words.redactions} flush>
      <Loaded read={read} rows={2}>
        {({ redactions }) => (
          <DataTable
            label={words.redactions}
            columns={columns}
            rows={redactions}
            rowKey={(row) => String(row.id)}
            grows
          />
        )}
      </Loaded>
      <LetOut
        redaction={asked}
        says={asked === null ? '' : whatText(asked)}
        onClose={() => {
          setAsked(null);
        }}
      />
    </Panel>
  );
}

function describe({ row, column }: RedactionRow, collections: readonly MappedCollection[]): string {
  if (row === null) return words.file;
  const collection = collections.find((each) => each.name === row.collection);
  const field = collection?.columns.find((each) => each.name === column)?.title ?? column;
  return `${collection?.title ?? row.collection}, ${keyText(row.id)}${field === null ? '' : `: ${field}`}`;
}

function LetOut(props: {
  readonly redaction: RedactionRow | null;
  readonly says: string;
  readonly onClose: () => void;
}): ReactNode {
  const { redaction, onClose } = props;
  const [reason, setReason] = useState('');
  const withdraw = useWrite('reviews.withdraw', ({ entry }) => {
    tell(words.letOutDone, entry);
    setReason('');
    onClose();
  });
  return (
    <Modal
      opened={redaction !== null}
      onClose={() => {
        withdraw.reset();
        onClose();
      }}
      title={words.letOutTitle}
      size={520}
      closeButtonProps={{ 'aria-label': en.common.close }}
    >
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (redaction !== null && isReason(reason))
            withdraw.mutate({ redactionId: redaction.id, reason: reason.trim() });
        }}
      >
        <p className={styles['target']}>{props.says}</p>
        <Reason label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} first />
        {withdraw.error ? <FailureNote failure={withdraw.error} /> : null}
        <div>
          <Button type="submit" disabled={!isReason(reason)} loading={withdraw.isPending}>
            {words.letOut}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
