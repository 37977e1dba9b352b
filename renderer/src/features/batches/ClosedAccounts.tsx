import { Button, Checkbox } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import type { ClosedAccount } from '#shared/contract/batches.ts';
import { batchLimit } from '#shared/domain/batches.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import {
  Dim,
  Empty,
  FailureNote,
  Moment,
  Note,
  Page,
  Panel,
  Reference,
  Status,
  Waiting,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { paths } from '../../paths.ts';
import styles from './batches.module.css';

const words = en.batches.closed;

/** Whether nothing stands in the way of a batch. */
function isFree({ plan, batch, hold, restriction }: ClosedAccount): boolean {
  return plan === null && batch === null && hold === null && restriction === null;
}

/** Closed accounts that are to be erased, the most urgent first; read on the record each time this opens. */
export function ClosedAccounts(): ReactNode {
  const navigate = useNavigate();
  const counts = useRead('batches.closedCounts', {});
  const [accounts, setAccounts] = useState<readonly ClosedAccount[]>([]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [reason, setReason] = useState<string>(words.whyDefault);
  const read = useWrite('batches.closed', (page, { after }) => {
    setAccounts((before) => (after === undefined ? page.accounts : [...before, ...page.accounts]));
  });
  const begin = useWrite('batches.begin', ({ batch, entry }) => {
    tell(en.batches.one(batch.id), entry);
    void navigate(paths.batch(batch.id));
  });
  const { mutate } = read;
  useEffect(() => {
    mutate({});
  }, [mutate]);
  const free = accounts.filter(isFree);
  const toggle = ({ subject }: ClosedAccount): void => {
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(subject)) next.add(subject);
      return next;
    });
  };
  const columns: readonly DataColumn<ClosedAccount>[] = [
    {
      id: 'select',
      title: words.columns.chosen,
      width: '80px',
      cell: (account) => (
        <Checkbox
          size="xs"
          aria-label={words.select(account.subject)}
          checked={chosen.has(account.subject)}
          disabled={!isFree(account)}
          onClick={(event) => {
            event.stopPropagation();
          }}
          onChange={() => {
            toggle(account);
          }}
        />
      ),
    },
    {
      id: 'due',
      title: words.columns.due,
      width: 'minmax(136px, 0.8fr)',
      cell: ({ daysLeft }) =>
        daysLeft < 0 ? (
          <Status tone="bad">{words.late(-daysLeft)}</Status>
        ) : (
          <Status tone={daysLeft <= 7 ? 'warn' : 'plain'}>{words.left(daysLeft)}</Status>
        ),
    },
    {
      id: 'person',
      title: words.columns.person,
      width: 'minmax(136px, 0.8fr)',
      cell: ({ subject }) => <Reference text={subject} />,
    },
    {
      id: 'closed',
      title: words.columns.closed,
      width: 'minmax(176px, 0.9fr)',
      cell: ({ closedAt }) => <Moment at={closedAt} />,
    },
    {
      id: 'kept',
      title: words.columns.kept,
      width: 'minmax(240px, 2fr)',
      cell: ({ kept }) =>
        kept.length === 0 ? (
          <Dim>{words.keptNothing}</Dim>
        ) : (
          <CellText>
            {kept
              .map((part) => words.keptPart(part.title, part.because, part.until?.slice(0, 10) ?? null))
              .join('; ')}
          </CellText>
        ),
    },
    {
      id: 'stands',
      title: words.columns.stands,
      width: 'minmax(144px, 1fr)',
      cell: (account) => <Stands account={account} />,
    },
  ];
  const ready = chosen.size > 0 && isReason(reason);
  return (
    <Page
      title={words.title}
      lead={
        counts.data === undefined
          ? ''
          : `${words.count(counts.data.closed, counts.data.late)}. ${words.lead(counts.data.days)}`
      }
      actions={
        <Button component={Link} to={paths.batches} variant="default">
          {en.batches.title}
        </Button>
      }
    >
      {counts.data !== undefined && counts.data.floorDays > 0 ? (
        <Note tone="warn">{en.retention.clashPlan(counts.data.floorDays)}</Note>
      ) : null}
      {read.error ? (
        <FailureNote
          failure={read.error}
          onRetry={() => {
            mutate({});
          }}
        />
      ) : null}
      <Panel title={words.title} flush className={styles['grow'] ?? ''}>
        {read.data === undefined ? (
          read.error ? null : (
            <Waiting rows={8} />
          )
        ) : accounts.length === 0 ? (
          <Empty centre title={words.empty} text={words.emptyHint} />
        ) : (
          <DataTable
            label={words.title}
            columns={columns}
            rows={accounts}
            rowKey={({ subject }) => subject}
            takesKeys
            onSelect={(account) => {
              if (isFree(account)) toggle(account);
            }}
          />
        )}
      </Panel>
      {accounts.length === 0 ? null : (
        <Panel>
          <form
            className={styles['form']}
            onSubmit={(event) => {
              event.preventDefault();
              if (ready)
                begin.mutate({ reason: reason.trim(), from: { source: 'closed', subjects: [...chosen] } });
            }}
          >
            <div className={styles['buttons']}>
              <Checkbox
                label={words.selectAll}
                checked={free.length > 0 && free.every(({ subject }) => chosen.has(subject))}
                indeterminate={chosen.size > 0 && free.some(({ subject }) => !chosen.has(subject))}
                disabled={free.length === 0}
                onChange={(event) => {
                  setChosen(
                    new Set(
                      event.currentTarget.checked
                        ? free.slice(0, batchLimit).map(({ subject }) => subject)
                        : [],
                    ),
                  );
                }}
              />
              {read.data?.next === null || read.data === undefined ? null : (
                <Button
                  variant="default"
                  loading={read.isPending}
                  onClick={() => {
                    const last = accounts.at(-1);
                    if (last !== undefined) mutate({ after: last.subject, limit: 100 });
                  }}
                >
                  {words.more}
                </Button>
              )}
            </div>
            <Reason label={words.why} hint={en.batches.from.whyHint} value={reason} onChange={setReason} />
            {begin.error ? <FailureNote failure={begin.error} /> : null}
            <div className={styles['buttons']}>
              <Button
                type="submit"
                variant={ready ? 'filled' : 'default'}
                disabled={!ready}
                loading={begin.isPending}
              >
                {words.make}
              </Button>
              <Dim>{words.selected(chosen.size)}</Dim>
            </div>
          </form>
        </Panel>
      )}
    </Page>
  );
}

function Stands(props: { readonly account: ClosedAccount }): ReactNode {
  const { hold, restriction, batch, plan, request } = props.account;
  if (hold !== null) return <Status tone="bad">{words.hold(hold)}</Status>;
  if (restriction !== null) return <Status tone="bad">{words.restriction(restriction)}</Status>;
  if (batch !== null) return <Link to={paths.batch(batch)}>{words.batch(batch)}</Link>;
  if (plan !== null) return <Link to={paths.plan(plan.id)}>{en.common.plan(plan.id)}</Link>;
  if (request !== null) return <Link to={paths.request(request.id)}>{en.common.request(request.id)}</Link>;
  return <Dim>{words.free}</Dim>;
}
