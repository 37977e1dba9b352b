import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { Restriction } from '#shared/contract/restrictions.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import {
  Dim,
  Empty,
  FailureNote,
  Loaded,
  Moment,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import formStyles from '../../components/form.module.css';
import { PasswordAgain } from '../../components/PasswordAgain.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { numberColumn, staffColumn } from '../../components/recordColumns.tsx';
import { paths } from '../../paths.ts';
import styles from './holds.module.css';

const words = en.restrictions;

interface Doing {
  readonly what: 'told' | 'lift';
  readonly restriction: Restriction;
}

const tones = { lifted: 'plain', told: 'info', inForce: 'warn' } as const;

function stateOf({ liftedAt, toldAt }: Restriction): keyof typeof tones {
  if (liftedAt !== null) return 'lifted';
  return toldAt === null ? 'inForce' : 'told';
}

/** Whose data is stored and nothing else; under which requests all the same; and how that ends. */
export function Restrictions(): ReactNode {
  const read = useRead('restrictions.list', {}, { every: 30_000 });
  const may = useMay(['operator', 'approver']);
  const approver = useMay(['approver']);
  const { login } = useSession();
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = (): void => {
    setDoing(null);
  };
  const button = (what: Doing['what'], restriction: Restriction): ReactNode => (
    <Button
      size="compact-xs"
      variant="default"
      aria-label={`${words.act[what]}: ${words.number(restriction.id)}`}
      onClick={() => {
        setDoing({ what, restriction });
      }}
    >
      {words.act[what]}
    </Button>
  );
  const columns: readonly DataColumn<Restriction>[] = [
    numberColumn('restriction', words.id),
    {
      id: 'person',
      title: words.person,
      width: 'minmax(136px, 0.8fr)',
      cell: (each) => <Reference text={each.subject} />,
      sort: (each) => each.subject,
    },
    {
      id: 'state',
      title: words.state,
      width: 'minmax(168px, 0.8fr)',
      cell: (each) => <Status tone={tones[stateOf(each)]}>{words.states[stateOf(each)]}</Status>,
      sort: stateOf,
    },
    {
      id: 'since',
      title: words.since,
      width: '152px',
      cell: (each) => <Moment at={each.placedAt} />,
      sort: (each) => each.placedAt,
    },
    {
      id: 'ground',
      title: words.ground,
      width: 'minmax(160px, 2fr)',
      cell: (each) => (
        <CellText>
          {each.reason === '' ? words.grounds[each.ground] : `${words.grounds[each.ground]} · ${each.reason}`}
        </CellText>
      ),
    },
    staffColumn('by', words.by, (each) => each.placedBy),
    {
      id: 'exceptions',
      title: words.exceptions,
      width: 'minmax(104px, 0.7fr)',
      cell: (each) =>
        each.exceptions.length === 0 ? (
          <Dim>{en.common.nothing}</Dim>
        ) : (
          <span className={styles['buttons']}>
            {each.exceptions.map(({ request, exception }) => (
              <Link
                key={request}
                to={paths.request(request)}
                title={words.exceptedFor(request, words.exceptionNames[exception])}
              >
                {en.common.request(request)}
              </Link>
            ))}
          </span>
        ),
    },
    {
      id: 'act',
      title: words.change,
      width: '184px',
      cell: (each) =>
        each.liftedAt !== null || !may ? null : (
          <span className={styles['buttons']}>
            {button('told', each)}
            {approver && each.toldBy !== null && each.toldBy !== login ? button('lift', each) : null}
          </span>
        ),
    },
  ];
  return (
    <Panel title={words.title} flush className={styles['grow'] ?? ''}>
      <Loaded read={read} rows={4}>
        {({ restrictions }) =>
          restrictions.length === 0 ? (
            <Empty centre title={words.empty} text={words.emptyHint} />
          ) : (
            <DataTable
              label={words.title}
              columns={columns}
              rows={restrictions}
              rowKey={(each) => String(each.id)}
              rowHeight={40}
            />
          )
        }
      </Loaded>
      <Modal
        opened={doing !== null}
        onClose={close}
        title={doing === null ? '' : words.actTitle[doing.what](doing.restriction.id)}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {doing === null ? null : doing.what === 'told' ? (
          <Told restriction={doing.restriction} onDone={close} />
        ) : (
          <Lift restriction={doing.restriction} onDone={close} />
        )}
      </Modal>
    </Panel>
  );
}

interface Form {
  readonly restriction: Restriction;
  readonly onDone: () => void;
}

function Told(props: Form): ReactNode {
  const { id } = props.restriction;
  const [how, setHow] = useState('');
  const told = useWrite('restrictions.told', ({ entry }) => {
    tell(words.toldTold(id), entry);
    props.onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        told.mutate({ restriction: id, how: how.trim() });
      }}
    >
      <p>{words.toldText}</p>
      <Reason first label={words.how} hint={words.howHint} value={how} onChange={setHow} />
      {told.error ? <FailureNote failure={told.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(how)} loading={told.isPending}>
          {words.act.told}
        </Button>
      </div>
    </form>
  );
}

function Lift(props: Form): ReactNode {
  const { id, toldBy } = props.restriction;
  const [reason, setReason] = useState('');
  const password = usePasswordAgain();
  const lift = useWrite('restrictions.lift', ({ entry }) => {
    tell(words.lifted(id), entry);
    props.onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        lift.mutate({ restriction: id, reason: reason.trim(), ...password.sent });
      }}
    >
      {toldBy === null ? null : <p>{words.toldBy(toldBy)}</p>}
      <Reason first label={words.reason} hint={words.liftWhy} value={reason} onChange={setReason} />
      {password.asked ? <PasswordAgain value={password.value} onChange={password.change} /> : null}
      {lift.error ? <FailureNote failure={lift.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(reason) || !password.given} loading={lift.isPending}>
          {words.act.lift}
        </Button>
      </div>
    </form>
  );
}
