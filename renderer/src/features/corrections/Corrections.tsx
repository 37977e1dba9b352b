import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import type { Correction } from '#shared/contract/corrections.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, useSession } from '../../client/session.ts';
import { Dim, Empty, FailureNote, Loaded, Page, Panel, Status } from '../../components/Basics.tsx';
import { columnTitle } from '../../components/CorrectionContent.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import formStyles from '../../components/form.module.css';
import { isReason, Reason } from '../../components/Reason.tsx';
import { numberColumn, staffColumn, timeColumn } from '../../components/recordColumns.tsx';
import { correctionTones } from '../../components/tones.ts';
import { Look } from './Look.tsx';
import styles from './corrections.module.css';

const words = en.correction;

interface Doing {
  readonly what: 'look' | 'carryOut' | 'decide' | 'undo';
  readonly correction: Correction;
}

const labels = {
  look: [words.look, words.lookOf],
  carryOut: [words.carryOut, words.carryOutOf],
  decide: [words.decide, words.decideOf],
  undo: [words.undo, words.undoOf],
} as const;

/** The corrections of one request: where each stands, and what can be done with it. */
export function Corrections(): ReactNode {
  const requestId = Number(useParams()['id']);
  const request = useRead('requests.show', { id: requestId });
  const read = useRead('corrections.list', { requestId }, { every: 15_000 });
  const map = useRead('map.show', {});
  const works = useMay(['operator']);
  const decides = useMay(['approver']);
  const { login } = useSession();
  const [doing, setDoing] = useState<Doing | null>(null);
  const collections = map.data?.collections ?? [];
  const subject = request.data?.request.subject ?? null;
  const close = (): void => {
    setDoing(null);
  };
  const may = ({ state, mine, known, undoUntil, proposedBy }: Correction): readonly Doing['what'][] => [
    ...(known && (works || decides) ? (['look'] as const) : []),
    ...(state === 'ready' && mine && works ? (['carryOut'] as const) : []),
    ...(state === 'waiting' && decides && proposedBy !== login ? (['decide'] as const) : []),
    ...(undoUntil !== null && works ? (['undo'] as const) : []),
  ];
  const columns: readonly DataColumn<Correction>[] = [
    numberColumn('correction', words.one),
    {
      id: 'what',
      title: words.what,
      width: 'minmax(200px, 2fr)',
      cell: (correction) => <CellText>{whatOf(correction, collections)}</CellText>,
    },
    {
      id: 'state',
      title: words.stateTitle,
      width: 'minmax(208px, 1fr)',
      cell: ({ state }) => <Status tone={correctionTones[state]}>{words.state[state]}</Status>,
      sort: ({ state }) => state,
    },
    {
      id: 'undo',
      title: words.undoTitle,
      width: '136px',
      cell: ({ undoDays }) => (undoDays === null ? <Dim>{en.common.nothing}</Dim> : words.undoDays(undoDays)),
      sort: ({ undoDays }) => undoDays ?? -1,
    },
    staffColumn('by', words.by, ({ proposedBy }) => proposedBy),
    timeColumn('at', words.at, ({ proposedAt }) => proposedAt),
    {
      id: 'act',
      title: words.change,
      width: '232px',
      cell: (correction) => (
        <span className={styles['buttons']}>
          {may(correction).map((what) => (
            <Button
              key={what}
              size="compact-xs"
              variant="default"
              aria-label={labels[what][1](correction.id)}
              onClick={() => {
                setDoing({ what, correction });
              }}
            >
              {labels[what][0]}
            </Button>
          ))}
        </span>
      ),
    },
  ];
  return (
    <Page
      title={words.titleFor(requestId)}
      lead={<Link to={paths.request(requestId)}>{en.common.request(requestId)}</Link>}
      actions={
        works && subject !== null ? (
          <Button component={Link} to={paths.person(subject, requestId)} variant="default">
            {en.request.openPerson}
          </Button>
        ) : null
      }
    >
      <Panel title={words.title} flush className={styles['grow'] ?? ''}>
        <Loaded read={read} rows={4}>
          {({ corrections }) =>
            corrections.length === 0 ? (
              <Empty centre title={words.empty} text={words.emptyHint} />
            ) : (
              <DataTable
                label={words.title}
                columns={columns}
                rows={corrections}
                rowKey={({ id }) => String(id)}
                rowHeight={40}
              />
            )
          }
        </Loaded>
      </Panel>
      <Modal
        opened={doing !== null}
        onClose={close}
        size={doing?.what === 'undo' ? 520 : 800}
        title={doing === null ? '' : labels[doing.what][1](doing.correction.id)}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {doing === null ? null : doing.what === 'undo' ? (
          <Undo correction={doing.correction} onDone={close} />
        ) : (
          <Look correction={doing.correction} what={doing.what} collections={collections} onDone={close} />
        )}
      </Modal>
    </Page>
  );
}

function whatOf(
  { collection, columns, undoes }: Correction,
  collections: readonly MappedCollection[],
): string {
  const title = collections.find((each) => each.name === collection)?.title ?? collection;
  const named = `${title}: ${columns.map((each) => columnTitle(collections, collection, each)).join(', ')}`;
  return undoes === null ? named : `${named} · ${words.takesBack(undoes)}`;
}

function Undo(props: { readonly correction: Correction; readonly onDone: () => void }): ReactNode {
  const { correction, onDone } = props;
  const [reason, setReason] = useState('');
  const undo = useWrite('corrections.undo', ({ waits, left, entry }) => {
    tell(waits ? words.undoWaits : words.undoneTold(left), entry);
    onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (isReason(reason)) undo.mutate({ id: correction.id, reason: reason.trim() });
      }}
    >
      <p>{words.undoText}</p>
      <Reason first label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} />
      {undo.error ? <FailureNote failure={undo.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(reason)} loading={undo.isPending}>
          {words.undo}
        </Button>
      </div>
    </form>
  );
}
