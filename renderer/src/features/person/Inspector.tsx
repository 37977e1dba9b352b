import { ActionIcon, Button } from '@mantine/core';
import { IconCopy, IconEye, IconEyeOff } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import type { MappedCollection, MappedColumn } from '#shared/contract/dataMap.ts';
import type { Access, SubjectRow } from '#shared/contract/subjects.ts';
import { en } from '#shared/strings/en.ts';
import { usePlacingHold } from '../../client/holds.ts';
import { copy, tell } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Dim, Empty, FailureNote, Hash, Panel, Reference } from '../../components/Basics.tsx';
import { formatCell, formatUtc, isUuid } from '../../components/format.ts';
import { useKeys } from '../../components/keys.ts';
import { PlaceHold } from '../../components/PlaceHold.tsx';
import { Correct, correctableColumns } from './Correct.tsx';
import { writtenKind } from './shownColumns.ts';
import styles from './person.module.css';

/**
 * The chosen row with all its values. Revealed values live in this component alone, so that
 * another row, another tab or another screen masks them again.
 */
export function Inspector(props: {
  readonly access: Access;
  readonly collection: MappedCollection;
  readonly row: SubjectRow | null;
  readonly marked: string | null;
}): ReactNode {
  const { access, collection, row, marked } = props;
  const works = useMay(['operator']);
  const [revealed, setRevealed] = useState<ReadonlyMap<string, string | null>>(new Map());
  const [confirming, setConfirming] = useState<string | null>(null);
  const placing = usePlacingHold();
  const reveal = useWrite('subjects.reveal', ({ value }, input) => {
    setRevealed((before) => new Map(before).set(input.column, value));
  });
  const act = useWrite('subjects.act', ({ entry }, input) => {
    const action = collection.actions.find((one) => one.name === input.action);
    setConfirming(null);
    tell(en.person.done(action?.title ?? input.action), entry);
  });

  function toggle(column: MappedColumn): void {
    if (!row || column.mask === null || reveal.isPending) return;
    if (revealed.has(column.name)) {
      setRevealed((before) => {
        const next = new Map(before);
        next.delete(column.name);
        return next;
      });
    } else if (row.cells[column.name] !== null) {
      reveal.mutate({ accessId: access.id, collection: collection.name, row: row.key, column: column.name });
    }
  }

  useKeys({
    r: () => {
      const masked = collection.columns.filter((column) => column.mask !== null);
      const target =
        masked.find((column) => column.name === marked) ??
        masked.find((column) => !revealed.has(column.name));
      if (target) toggle(target);
    },
  });

  return (
    <Panel title={en.person.inspector} flush>
      {row === null ? (
        <Empty title={en.person.inspectorEmpty} />
      ) : (
        <div className={styles['inspector']}>
          {reveal.error ? <FailureNote failure={reveal.error} /> : null}
          {act.error ? <FailureNote failure={act.error} /> : null}
          {collection.columns.map((column) => (
            <Field
              key={column.name}
              column={column}
              value={row.cells[column.name] ?? null}
              revealed={revealed.has(column.name) ? { value: revealed.get(column.name) ?? null } : null}
              marked={marked === column.name}
              busy={reveal.isPending && reveal.variables.column === column.name}
              onToggle={() => {
                toggle(column);
              }}
            />
          ))}
          {works && collection.actions.length > 0 ? (
            <div className={styles['actions']}>
              {collection.actions.map((action) =>
                confirming === action.name ? (
                  <span key={action.name} className={styles['buttons']}>
                    <Button
                      loading={act.isPending}
                      onClick={() => {
                        act.mutate({
                          accessId: access.id,
                          collection: collection.name,
                          row: row.key,
                          action: action.name,
                        });
                      }}
                    >
                      {en.common.confirm(action.title)}
                    </Button>
                    <Button
                      variant="default"
                      autoFocus
                      onClick={() => {
                        setConfirming(null);
                      }}
                    >
                      {en.common.cancel}
                    </Button>
                  </span>
                ) : (
                  <Button
                    key={action.name}
                    variant="default"
                    onClick={() => {
                      setConfirming(action.name);
                    }}
                  >
                    {action.title}
                  </Button>
                ),
              )}
            </div>
          ) : null}
          {works ? (
            <div className={styles['actions']}>
              {correctableColumns(collection, access.kind).length > 0 ? (
                <Correct access={access} collection={collection} row={row} />
              ) : null}
              <PlaceHold
                title={en.holds.placeOnRow}
                placing={placing}
                on={{ collection: collection.name, rowKey: row.key }}
              />
            </div>
          ) : null}
          {collection.never.length > 0 ? (
            <div className={styles['never']} title={en.person.neverHint}>
              <Dim>
                {en.person.never}: {collection.never.join(', ')}
              </Dim>
            </div>
          ) : null}
        </div>
      )}
    </Panel>
  );
}

function Field(props: {
  readonly column: MappedColumn;
  readonly value: string | null;
  readonly revealed: { readonly value: string | null } | null;
  readonly marked: boolean;
  readonly busy: boolean;
  readonly onToggle: () => void;
}): ReactNode {
  const { column, value, revealed } = props;
  const shown = revealed ? revealed.value : value;
  const masked = column.mask !== null && revealed === null;
  return (
    <div className={`${styles['field'] ?? ''} ${props.marked ? (styles['fieldMarked'] ?? '') : ''}`}>
      <span className={styles['fieldTitle']}>{column.title}</span>
      <span
        className={`${styles['fieldValue'] ?? ''} ${masked ? (styles['masked'] ?? '') : ''} ${revealed ? (styles['revealed'] ?? '') : ''}`}
        dir="auto"
        {...(column.kind === 'time' && shown !== null && !masked ? { title: formatUtc(shown) } : {})}
        {...(revealed ? { 'aria-live': 'polite' as const } : {})}
      >
        {shown === null ? (
          <Dim>{en.common.nothing}</Dim>
        ) : masked ? (
          shown
        ) : isUuid(shown) ? (
          <Reference text={shown} short onCopy={copy} />
        ) : /^[0-9a-f]{64}$/.test(shown) ? (
          <Hash text={shown} />
        ) : (
          formatCell(writtenKind(column), shown)
        )}
      </span>
      <span className={styles['fieldButtons']}>
        {revealed && revealed.value !== null ? (
          <ActionIcon
            variant="subtle"
            color="gray"
            size={24}
            aria-label={en.common.copyValue(column.title)}
            onClick={() => {
              if (revealed.value !== null) copy(revealed.value);
            }}
          >
            <IconCopy size={15} aria-hidden />
          </ActionIcon>
        ) : null}
        {column.mask !== null && value !== null ? (
          <ActionIcon
            variant="subtle"
            size={24}
            loading={props.busy}
            aria-pressed={revealed !== null}
            aria-label={revealed ? en.person.maskAgain(column.title) : en.person.reveal(column.title)}
            onClick={props.onToggle}
          >
            {revealed ? <IconEyeOff size={15} aria-hidden /> : <IconEye size={15} aria-hidden />}
          </ActionIcon>
        ) : null}
      </span>
    </div>
  );
}
