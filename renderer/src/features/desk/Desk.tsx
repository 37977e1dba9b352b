import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import type { Correction } from '#shared/contract/corrections.ts';
import type { Batch } from '#shared/contract/batches.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import type { RequestRow } from '#shared/contract/requests.ts';
import { permits } from '#shared/domain/roles.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { call } from '../../client/call.ts';
import { paths } from '../../paths.ts';
import { useRead } from '../../client/queries.ts';
import { useMay, useSession } from '../../client/session.ts';
import { Dim, Empty, Facts, Loaded, Moment, Note, Page, Panel, Status } from '../../components/Basics.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { DueHolds } from '../../components/HoldNote.tsx';
import { EntryOutcome } from '../../components/EntryList.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import { requestColumns } from '../../components/requestColumns.tsx';
import { formatNumber } from '../../components/format.ts';
import styles from './desk.module.css';

const lookAgain = 30_000;

/** Home: whose turn it is, and what is late. */
export function Desk(): ReactNode {
  const session = useSession();
  const requests = useRead('requests.list', { state: 'open' }, { every: lookAgain });
  const holds = useRead('holds.list', {}, { every: lookAgain });
  const works = permits(['operator'], session.roles);
  const all = requests.data?.requests ?? [];
  const mine = all.filter((request) => request.mine);
  const late = all.filter((request) => request.daysLeft < 0);
  const latest = [...late].sort((a, b) => a.daysLeft - b.daysLeft)[0];
  const lead = requests.data
    ? works
      ? en.desk.summary(all.length, mine.length)
      : en.desk.summaryOthers(all.length)
    : '';
  return (
    <Page title={en.desk.title} lead={lead}>
      {latest ? (
        <div role="status">
          <Note tone="bad">
            <strong>{en.desk.late(late.length)}.</strong> {en.desk.lateHint}{' '}
            <Link to={paths.request(latest.id)}>{en.desk.showLate}</Link>
          </Note>
        </div>
      ) : null}
      <DueHolds holds={holds.data?.holds ?? []} />
      {works ? <DueAccounts /> : null}
      <div className={styles['columns']}>
        <div className={styles['left']}>
          {works ? (
            <>
              <RequestPanel
                title={en.desk.mine}
                read={requests}
                rows={mine}
                takesKeys
                empty={<Empty title={en.desk.mineEmpty} text={en.desk.mineEmptyHint} />}
              />
              <RequestPanel
                title={en.desk.unassigned}
                read={requests}
                rows={all.filter((request) => request.assignee === null)}
                empty={<Empty title={en.desk.unassignedEmpty} />}
              />
            </>
          ) : (
            <RequestPanel
              title={en.desk.allOpen}
              read={requests}
              rows={all}
              takesKeys
              empty={<Empty title={en.desk.allOpenEmpty} />}
            />
          )}
        </div>
        <div className={styles['right']}>
          <WaitingForMe />
          <Jobs />
          {permits(['auditor', 'approver', 'admin'], session.roles) ? <TrailHealth /> : null}
        </div>
      </div>
    </Page>
  );
}

/** How many closed accounts are to be erased, and that some are late. */
function DueAccounts(): ReactNode {
  const { data } = useRead('batches.closedCounts', {}, { every: 60_000 });
  if (data === undefined || data.closed === 0) return null;
  const words = en.batches.closed;
  return (
    <Note tone={data.late > 0 ? 'bad' : 'info'}>
      {words.desk(data.closed)}
      {data.late > 0 ? <strong>, {words.deskLate(data.late)}</strong> : null}.{' '}
      <Link to={paths.closed}>{words.title}</Link>
    </Note>
  );
}

function RequestPanel(props: {
  readonly title: string;
  readonly read: ReturnType<typeof useRead<'requests.list'>>;
  readonly rows: readonly RequestRow[];
  readonly empty: ReactNode;
  readonly takesKeys?: boolean;
}): ReactNode {
  const navigate = useNavigate();
  const works = useMay(['operator']);
  return (
    <Panel
      title={`${props.title}${props.rows.length > 0 ? ` · ${formatNumber(props.rows.length)}` : ''}`}
      label={props.title}
      flush
      className={props.read.data && props.rows.length === 0 ? (styles['emptied'] ?? '') : ''}
    >
      <Loaded read={props.read} rows={5}>
        {() =>
          props.rows.length === 0 ? (
            props.empty
          ) : (
            <DataTable
              label={props.title}
              columns={works ? requestColumns.short : requestColumns.shortForOthers}
              rows={props.rows}
              rowKey={(row) => String(row.id)}
              takesKeys={props.takesKeys === true}
              onOpen={(row) => void navigate(paths.request(row.id))}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

interface Waiting {
  readonly key: string;
  readonly to: string;
  readonly title: string;
  readonly by: string;
  readonly says: string;
  readonly tone: 'warn' | 'info' | 'bad';
}

/** Who looks, and what they may do about what waits. */
interface Looking {
  readonly login: string;
  readonly person: string;
  readonly approves: boolean;
  readonly operates: boolean;
}

function waitingPlan(plan: ErasurePlan, { login, person, approves, operates }: Looking): Waiting | null {
  const own = plan.plannedBy === login || plan.plannedBy === person;
  const waits = (says: string, tone: Waiting['tone']): Waiting => ({
    key: `plan-${String(plan.id)}`,
    to: paths.plan(plan.id),
    title: `${en.common.plan(plan.id)} · ${en.common.request(plan.requestId)}`,
    by: en.desk.plannedBy(plan.plannedBy),
    says,
    tone,
  });
  if (plan.state === 'awaiting' && approves && !own) return waits(en.desk.toApprove, 'warn');
  if (!operates) return null;
  if (plan.state === 'approved') return waits(en.desk.toRun, 'info');
  if (plan.state === 'draft' && own) return waits(en.desk.toDecide, 'warn');
  if (plan.state === 'running' && plan.run?.state === 'incomplete') return waits(en.desk.toResume, 'bad');
  return null;
}

function waitingCorrection(correction: Correction, { approves, operates }: Looking): Waiting | null {
  const { id, requestId, mine, state, proposedBy } = correction;
  const waits = (says: string, tone: Waiting['tone']): Waiting => ({
    key: `correction-${String(id)}`,
    to: paths.correctionsOf(requestId),
    title: `${en.correction.number(id)} · ${en.common.request(requestId)}`,
    by: en.correction.proposedBy(proposedBy),
    says,
    tone,
  });
  if (state === 'waiting' && approves && !mine) return waits(en.desk.toApprove, 'warn');
  return state === 'ready' && operates && mine ? waits(en.correction.state.ready, 'info') : null;
}

function waitingBatch(batch: Batch, { login, approves, operates }: Looking): Waiting | null {
  const own = batch.by === login;
  const waits = (says: string, tone: Waiting['tone']): Waiting => ({
    key: `batch-${String(batch.id)}`,
    to: paths.batch(batch.id),
    title: en.batches.one(batch.id),
    by: en.desk.plannedBy(batch.by),
    says,
    tone,
  });
  if (batch.state === 'awaiting' && approves && !own) return waits(en.desk.toApprove, 'warn');
  if (!operates) return null;
  if (batch.state === 'approved') return waits(en.desk.toRun, 'info');
  if (batch.state === 'planning' && own) return waits(en.batches.state.planning, 'warn');
  return batch.state === 'running' && batch.worker === null && batch.unfinished > 0
    ? waits(en.desk.toResume, 'bad')
    : null;
}

function WaitingForMe(): ReactNode {
  const session = useSession();
  const plans = useRead('erasure.list', {}, { every: lookAgain });
  const corrections = useRead('corrections.list', {}, { every: lookAgain });
  const batches = useRead('batches.list', {}, { every: lookAgain });
  const looking: Looking = {
    login: session.login,
    person: session.person,
    approves: permits(['approver'], session.roles),
    operates: permits(['operator'], session.roles),
  };
  return (
    <Panel title={en.desk.waiting} flush>
      <Loaded read={plans} rows={2}>
        {({ plans: all }) => {
          const waiting = [
            ...all.flatMap((plan) => waitingPlan(plan, looking) ?? []),
            ...(corrections.data?.corrections ?? []).flatMap(
              (each) => waitingCorrection(each, looking) ?? [],
            ),
            ...(batches.data?.batches ?? []).flatMap((each) => waitingBatch(each, looking) ?? []),
          ];
          return waiting.length === 0 ? (
            <Empty title={en.desk.waitingEmpty} />
          ) : (
            waiting.map(({ key, to, title, by, says, tone }) => (
              <Link key={key} to={to} className={styles['item']}>
                <span className={styles['itemText']}>
                  <span className={styles['itemTitle']}>{title}</span>
                  <br />
                  <Dim>{by}</Dim>
                </span>
                <Status tone={tone}>{says}</Status>
              </Link>
            ))
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Jobs(): ReactNode {
  const jobs = useRead('jobs.list', {});
  return (
    <Panel title={en.desk.jobs} flush>
      <Loaded read={jobs} rows={2}>
        {({ jobs: all }) => {
          const shown = all.filter((job) => isUnderWay(job) || job.state === 'failed');
          return shown.length === 0 ? (
            <Empty title={en.desk.jobsEmpty} />
          ) : (
            <div className={styles['jobs']}>
              {shown.map((job) => (
                <JobLine
                  key={job.id}
                  job={job}
                  onCancel={(id) => {
                    void call('jobs.cancel', { id }).catch(() => undefined);
                  }}
                />
              ))}
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function TrailHealth(): ReactNode {
  const verified = useRead('audit.list', { action: 'trail.verified', limit: 1 });
  const newest = useRead('audit.list', { limit: 1 });
  const intents = useRead('audit.list', { outcome: 'intent', limit: 500 });
  return (
    <Panel
      title={en.desk.trail}
      actions={
        <Button component={Link} to={paths.trail} variant="subtle">
          {en.desk.verify}
        </Button>
      }
    >
      <Loaded read={verified} rows={3}>
        {({ entries }) => {
          const last = entries[0];
          const open = (intents.data?.entries ?? []).filter((entry) => !entry.ended).length;
          return (
            <Facts
              facts={[
                [
                  en.desk.lastVerified,
                  last ? (
                    <>
                      <Moment at={last.at} /> <Dim>{en.desk.verifiedBy(last.actor)}</Dim>{' '}
                      {last.outcome === 'done' ? null : <EntryOutcome entry={last} />}
                    </>
                  ) : (
                    <Status tone="warn">{en.desk.neverVerified}</Status>
                  ),
                ],
                [
                  en.desk.newest,
                  newest.data?.entries[0] ? formatNumber(newest.data.entries[0].number) : en.common.nothing,
                ],
                [
                  en.desk.openIntents,
                  open === 0 ? (
                    en.common.none
                  ) : (
                    <Link to={paths.trailOf({ outcome: 'intent' })}>{formatNumber(open)}</Link>
                  ),
                ],
              ]}
            />
          );
        }}
      </Loaded>
    </Panel>
  );
}
