import { Button, Modal } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { LegalHold } from '#shared/contract/holds.ts';
import { en } from '#shared/strings/en.ts';
import { usePlacingHold } from '../../client/holds.ts';
import { tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import {
  Day,
  Dim,
  Empty,
  FailureNote,
  Loaded,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { Decision } from '../../components/Decision.tsx';
import { today } from '../../components/format.ts';
import formStyles from '../../components/form.module.css';
import { PlaceHold } from '../../components/PlaceHold.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { numberColumn, staffColumn } from '../../components/recordColumns.tsx';
import styles from './holds.module.css';
import { Restrictions } from './Restrictions.tsx';

const words = en.holds;

type Doing = { readonly what: 'review' | 'lift' | 'decide'; readonly hold: LegalHold };

const tones = { lifted: 'plain', asked: 'info', due: 'bad', inForce: 'warn' } as const;

function stateOf(hold: LegalHold): keyof typeof tones {
  if (hold.liftedAt !== null) return 'lifted';
  if (hold.lift?.state === 'asked') return 'asked';
  return hold.due ? 'due' : 'inForce';
}

function On(props: { readonly hold: LegalHold }): ReactNode {
  const { hold } = props;
  if (hold.subject !== null) return <Reference text={hold.subject} />;
  return (
    <CellText>
      {hold.record ? words.record(hold.title ?? '', hold.rowKey) : words.whole(hold.title ?? '')}
    </CellText>
  );
}

/** Legal holds: those in force, what is due for review, what waits to be lifted. */
export function Holds(): ReactNode {
  const read = useRead('holds.list', {}, { every: 30_000 });
  const may = useMay(['operator', 'approver', 'admin']);
  const approver = useMay(['approver']);
  const placing = usePlacingHold(true);
  const session = useSession();
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = (): void => {
    setDoing(null);
  };
  const button = (what: Doing['what'], hold: LegalHold): ReactNode => (
    <Button
      size="compact-xs"
      variant="default"
      aria-label={`${words.act[what]}: ${words.number(hold.id)}`}
      onClick={() => {
        setDoing({ what, hold });
      }}
    >
      {words.act[what]}
    </Button>
  );
  const columns: readonly DataColumn<LegalHold>[] = [
    numberColumn('hold', words.hold),
    {
      id: 'on',
      title: words.on,
      width: 'minmax(168px, 1.2fr)',
      cell: (hold) => <On hold={hold} />,
      sort: (hold) => hold.subject ?? hold.title ?? '',
    },
    {
      id: 'state',
      title: words.state,
      width: 'minmax(216px, 1fr)',
      cell: (hold) => <Status tone={tones[stateOf(hold)]}>{words.states[stateOf(hold)]}</Status>,
      sort: stateOf,
    },
    {
      id: 'review',
      title: words.reviewOn,
      width: '120px',
      cell: (hold) => <Day date={hold.reviewOn} />,
      sort: (hold) => hold.reviewOn,
    },
    {
      id: 'ground',
      title: words.ground,
      width: 'minmax(160px, 2fr)',
      cell: (hold) => <CellText>{`${hold.ground} · ${hold.authority}`}</CellText>,
    },
    staffColumn('owner', words.owner, (hold) => hold.owner),
    {
      id: 'stops',
      title: words.stops,
      width: 'minmax(104px, 0.7fr)',
      cell: (hold) =>
        hold.stopped.length === 0 ? (
          <Dim>{en.common.nothing}</Dim>
        ) : (
          <span className={styles['buttons']}>
            {hold.stopped.map(({ request, plan }) => (
              <Link
                key={request}
                to={paths.plan(plan)}
                title={hold.liftedAt === null ? words.stopsHint : words.again}
              >
                {en.common.request(request)}{' '}
              </Link>
            ))}
          </span>
        ),
    },
    {
      id: 'act',
      title: words.change,
      width: '232px',
      cell: (hold) =>
        hold.liftedAt !== null || !may ? null : (
          <span className={styles['buttons']}>
            {button('review', hold)}
            {hold.lift?.state !== 'asked'
              ? button('lift', hold)
              : approver && hold.lift.proposedBy !== session.login
                ? button('decide', hold)
                : null}
          </span>
        ),
    },
  ];
  return (
    <Page title={words.title} lead={words.lead} actions={<PlaceHold title={words.place} placing={placing} />}>
      <Panel title={words.title} flush className={styles['grow'] ?? ''}>
        <Loaded read={read} rows={6}>
          {({ holds }) =>
            holds.length === 0 ? (
              <Empty centre title={words.empty} text={words.emptyHint} />
            ) : (
              <DataTable
                label={words.title}
                columns={columns}
                rows={holds}
                rowKey={(hold) => String(hold.id)}
                rowHeight={40}
              />
            )
          }
        </Loaded>
      </Panel>
      <Restrictions />
      <Modal
        opened={doing !== null}
        onClose={close}
        title={doing === null ? '' : words.actTitle[doing.what](doing.hold.id)}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {doing === null ? null : doing.what === 'review' ? (
          <Review hold={doing.hold} onDone={close} />
        ) : doing.what === 'lift' ? (
          <ProposeLift hold={doing.hold} onDone={close} />
        ) : (
          <DecideLift hold={doing.hold} onDone={close} />
        )}
      </Modal>
    </Page>
  );
}

interface Form {
  readonly hold: LegalHold;
  readonly onDone: () => void;
}

function Review(props: Form): ReactNode {
  const { hold } = props;
  const [until, setUntil] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const review = useWrite('holds.review', ({ entry }) => {
    tell(words.reviewTold(hold.id), entry);
    props.onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (until !== null) review.mutate({ hold: hold.id, until, reason: reason.trim() });
      }}
    >
      <DatePickerInput
        label={words.next}
        valueFormat="D MMM YYYY"
        minDate={today()}
        popoverProps={{ withinPortal: true }}
        value={until}
        onChange={setUntil}
      />
      <Reason label={words.why} hint={words.reviewWhy} value={reason} onChange={setReason} />
      {review.error ? <FailureNote failure={review.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={until === null || !isReason(reason)} loading={review.isPending}>
          {en.common.save}
        </Button>
      </div>
    </form>
  );
}

function ProposeLift(props: Form): ReactNode {
  const { hold } = props;
  const [reason, setReason] = useState('');
  const propose = useWrite('holds.proposeLift', ({ entry }) => {
    tell(words.liftTold(hold.id), entry);
    props.onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        propose.mutate({ hold: hold.id, reason: reason.trim() });
      }}
    >
      <p>{words.liftText}</p>
      <Reason first label={words.why} hint={words.liftWhy} value={reason} onChange={setReason} />
      {propose.error ? <FailureNote failure={propose.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(reason)} loading={propose.isPending}>
          {words.act.lift}
        </Button>
      </div>
    </form>
  );
}

function DecideLift(props: Form): ReactNode {
  const { hold } = props;
  const { lift } = hold;
  const password = usePasswordAgain();
  const decide = useWrite('holds.decideLift', ({ entry }, { decision }) => {
    tell(decision === 'approve' ? words.lifted(hold.id) : words.stays(hold.id), entry);
    props.onDone();
  });
  if (lift === null) return null;
  return (
    <div className={formStyles['form']}>
      <p>{words.decideText(lift.proposedBy, lift.reason)}</p>
      <Decision
        words={{ why: words.why, hint: words.decideWhy, approve: words.approve, deny: words.deny }}
        password={password}
        failure={decide.error}
        sending={decide.isPending ? decide.variables.decision : null}
        onDecide={(decision, reason) => {
          decide.mutate({ lift: lift.id, decision, reason, ...password.sent });
        }}
      />
    </div>
  );
}
