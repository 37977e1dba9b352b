import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import type { RetentionLine, RetentionPartition, RetentionPlan } from '#shared/contract/retention.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { copy, tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain } from '../../client/session.ts';
import {
  Day,
  Dim,
  Empty,
  Facts,
  FailureNote,
  Hash,
  Loaded,
  Moment,
  Note,
  Page,
  Panel,
  Status,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { Decision } from '../../components/Decision.tsx';
import { figureColumn } from '../../components/recordColumns.tsx';
import { planTones } from '../../components/tones.ts';
import { paths } from '../../paths.ts';
import { RetentionJobs, useRetentionJobs } from './RetentionJobs.tsx';
import styles from './retention.module.css';

const words = en.retention;
const titles = words.columns;

/** Milliseconds between looks at the plan. */
const whileRunning = 1_000;
const atRest = 30_000;

/** One retention plan: the same page for who counted it, who approves it, who runs it and who reads it later. */
export function RetentionPlanPage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead(
    'retention.show',
    { planId: id },
    {
      every: (answer) => (['draft', 'running'].includes(answer?.plan.state ?? '') ? whileRunning : atRest),
    },
  );
  return (
    <Loaded read={read} rows={10} page={words.titleFor(id)}>
      {({ plan }) => <OnePlan key={plan.id} plan={plan} />}
    </Loaded>
  );
}

/** A line of a plan for one of the platform's rows that say the days. */
interface Row {
  readonly line: RetentionLine;
  readonly period: RetentionLine['periods'][number] | null;
  readonly done: number | null;
}

/** Each rule, and below it what its days come to where the platform says them. */
function rowsOf(plan: RetentionPlan): readonly Row[] {
  return plan.lines.flatMap((line): readonly Row[] => {
    const done = plan.run?.steps.find((step) => step.line === line.line)?.done ?? null;
    const [only, ...more] = line.periods;
    if (only !== undefined && more.length === 0) return [{ line, period: only, done }];
    return [
      { line, period: null, done },
      ...line.periods.map((period): Row => ({ line, period, done: null })),
    ];
  });
}

/** Whether it speaks of a whole rule, and not of one plan of the platform's. */
const isWhole = ({ line, period }: Row): boolean => period === null || line.periods.length === 1;

const columns: readonly DataColumn<Row>[] = [
  {
    id: 'rule',
    title: titles.rule,
    width: 'minmax(232px, 1.6fr)',
    cell: (row) =>
      isWhole(row) ? (
        <CellText>{row.line.kind === 'kept' ? words.keptRows(row.line.title) : row.line.title}</CellText>
      ) : (
        <Dim>{`· ${row.period?.period ?? ''}`}</Dim>
      ),
  },
  {
    id: 'before',
    title: titles.before,
    width: 'minmax(136px, 0.8fr)',
    cell: ({ line, period }) =>
      period === null || line.kind === 'kept' ? en.common.nothing : <Day date={period.cutoff.slice(0, 10)} />,
  },
  {
    id: 'days',
    title: titles.after,
    width: 'minmax(112px, 0.7fr)',
    cell: ({ line, period }) =>
      period === null ? (
        en.common.nothing
      ) : period.keptDays > period.days ? (
        <Status tone="warn" title={words.longerThan(period.keptDays)}>
          {words.days(period.keptDays)}
        </Status>
      ) : (
        <CellText>
          {line.kind === 'kept' ? words.years(Math.round(period.days / 365)) : words.days(period.days)}
        </CellText>
      ),
  },
  figureColumn('due', titles.due, '96px', ({ line, period }) => period?.planned ?? line.planned),
  figureColumn('done', titles.done, '96px', ({ done }) => done),
  figureColumn('floored', titles.floored, '112px', ({ line, period }) =>
    period === null ? line.periods.reduce((sum, each) => sum + each.floored, 0) : period.floored,
  ),
  figureColumn('held', titles.held, '112px', (row) => (isWhole(row) ? row.line.kept : null)),
  figureColumn('referred', titles.referred, '152px', (row) => (isWhole(row) ? row.line.referred : null)),
];

function OnePlan(props: { readonly plan: RetentionPlan }): ReactNode {
  const { plan } = props;
  const navigate = useNavigate();
  const unfinished = plan.state === 'running' && plan.run?.state === 'incomplete';
  const partitions = plan.lines.flatMap((line) => line.partitions);
  const due = plan.lines.reduce((sum, line) => sum + line.planned, 0);
  return (
    <Page
      title={words.titleFor(plan.id)}
      lead={
        unfinished ? (
          <>
            <Status tone="bad">{words.unfinished}</Status> {words.unfinishedText}
          </>
        ) : (
          <>
            <Status tone={planTones[plan.state]}>{words.state[plan.state]}</Status>{' '}
            {words.stateText[plan.state]}
          </>
        )
      }
      actions={
        <>
          <Button
            variant="default"
            onClick={() => {
              void navigate(paths.retention);
            }}
          >
            {en.common.close}
          </Button>
          <RunActions plan={plan} />
        </>
      }
      scrolls
    >
      {plan.isOld !== null && ['awaiting', 'approved', 'running'].includes(plan.state) ? (
        <Note tone="warn">{plan.isOld}</Note>
      ) : null}
      {plan.floorDays > 0 ? <Note tone="warn">{words.clashOn(plan.floorDays)}</Note> : null}
      <RetentionJobs />
      <Panel label={words.titleFor(plan.id)}>
        <Facts
          facts={[
            [
              words.countedBy,
              <span key="by">
                {plan.madeBy}, <Moment at={plan.madeAt} />
              </span>,
            ],
            ...plan.approvals.map(
              (each) =>
                [
                  each.decision === 'approve' ? words.approvedBy : words.deniedBy,
                  <span key={each.at}>
                    {each.by}, <Moment at={each.at} />
                  </span>,
                ] as const,
            ),
            plan.standing === null ? null : [words.underStanding, words.standing(plan.standing)],
            plan.run === null
              ? null
              : [
                  words.ranBy,
                  <span key="ran">
                    {plan.run.by}, <Moment at={plan.run.startedAt} />
                  </span>,
                ],
            [words.planHash, <Hash key="hash" text={plan.sha256} />],
          ]}
        />
      </Panel>
      <Panel title={words.whatGoes} flush>
        {due === 0 && plan.state !== 'draft' ? <Empty title={words.nothingDue} /> : null}
        <DataTable
          label={words.whatGoes}
          columns={columns}
          rows={rowsOf(plan)}
          rowKey={({ line, period }) => `${line.line} ${period?.period ?? ''}`}
          grows
        />
      </Panel>
      {partitions.length > 0 && plan.byPartition ? <Partitions plan={plan} partitions={partitions} /> : null}
      {plan.state === 'awaiting' ? <Decide plan={plan} /> : null}
    </Page>
  );
}

function RunActions(props: { readonly plan: RetentionPlan }): ReactNode {
  const { plan } = props;
  const works = useMay(['operator']);
  const stops = useMay(['operator', 'approver']);
  const busy = useRetentionJobs().length > 0;
  const run = useWrite('retention.run');
  const stop = useWrite('retention.stop', ({ entry }) => {
    tell(words.stopped, entry);
  });
  const failure = run.error ?? stop.error;
  return (
    <>
      {failure === null ? null : <FailureNote failure={failure} />}
      {stops && plan.run?.state === 'running' ? (
        <Button
          variant="default"
          loading={stop.isPending}
          onClick={() => {
            stop.mutate({ planId: plan.id });
          }}
        >
          {words.stop}
        </Button>
      ) : null}
      {works && !busy && ['approved', 'running'].includes(plan.state) ? (
        <Button
          loading={run.isPending}
          onClick={() => {
            run.mutate({ planId: plan.id });
          }}
        >
          {plan.state === 'approved' ? words.run : words.resume}
        </Button>
      ) : null}
    </>
  );
}

function Decide(props: { readonly plan: RetentionPlan }): ReactNode {
  const { plan } = props;
  const approver = useMay(['approver']);
  const password = usePasswordAgain();
  const decide = useWrite('retention.decide', ({ entry }) => {
    tell(words.decided(plan.id), entry);
  });
  if (plan.mine) return <Note>{words.ownPlan}</Note>;
  if (!approver) return null;
  return (
    <Panel title={words.decidePlan}>
      <p>{words.decidePlanText}</p>
      <Decision
        words={{ why: words.why, hint: words.whyDecide, approve: words.approve, deny: words.deny }}
        password={password}
        failure={decide.error}
        sending={decide.isPending ? decide.variables.decision : null}
        mayApprove={plan.isOld === null}
        onDecide={(decision, reason) => {
          decide.mutate({ planId: plan.id, sha256: plan.sha256, decision, reason, ...password.sent });
        }}
      />
    </Panel>
  );
}

function Partitions(props: {
  readonly plan: RetentionPlan;
  readonly partitions: readonly RetentionPartition[];
}): ReactNode {
  const { plan } = props;
  const works = useMay(['operator']);
  const [shown, setShown] = useState<OutputOf<'retention.showPartition'> | null>(null);
  const show = useWrite('retention.showPartition', setShown);
  const record = useWrite('retention.recordPartition', ({ entry }) => {
    tell(words.recordedTold, entry);
  });
  const failure = show.error ?? record.error;
  const acts = works && ['approved', 'running', 'done'].includes(plan.state);
  const partitionColumns: readonly DataColumn<RetentionPartition>[] = [
    {
      id: 'table',
      title: titles.partition,
      width: 'minmax(240px, 1.4fr)',
      cell: (each) => <CellText>{each.table}</CellText>,
      sort: (each) => each.table,
    },
    {
      id: 'before',
      title: titles.before,
      width: 'minmax(136px, 0.8fr)',
      cell: (each) => <Day date={each.before.slice(0, 10)} />,
    },
    figureColumn('rows', titles.rows, '112px', (each) => each.rows),
    {
      id: 'state',
      title: titles.state,
      width: 'minmax(176px, 1fr)',
      cell: (each) =>
        each.recordedAt === null ? (
          <Status tone="warn">{words.partitionOpen}</Status>
        ) : (
          <Status tone="good">{words.recorded(each.recordedBy ?? '')}</Status>
        ),
    },
    {
      id: 'act',
      title: en.holds.change,
      width: '376px',
      cell: (each) =>
        !acts || each.recordedAt !== null ? null : (
          <span className={styles['buttons']}>
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`${words.statement}: ${each.table}`}
              onClick={() => {
                show.mutate({ planId: plan.id, table: each.table });
              }}
            >
              {words.statement}
            </Button>
            {each.shownAt === null ? null : (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`${words.recordIt}: ${each.table}`}
                onClick={() => {
                  record.mutate({ planId: plan.id, table: each.table });
                }}
              >
                {words.recordIt}
              </Button>
            )}
          </span>
        ),
    },
  ];
  return (
    <Panel title={words.partitions} flush>
      <p className={styles['hint']}>{words.partitionsHint}</p>
      {failure === null ? null : <FailureNote failure={failure} />}
      <DataTable
        label={words.partitions}
        columns={partitionColumns}
        rows={props.partitions}
        rowKey={(each) => each.table}
        rowHeight={40}
        grows
      />
      <Modal
        opened={shown !== null}
        onClose={() => {
          setShown(null);
        }}
        title={words.statementTitle}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {shown === null ? null : (
          <>
            <pre className={styles['statement']} tabIndex={0} aria-label={words.statementTitle}>
              {shown.statement.replaceAll('; ', ';\n')}
            </pre>
            <Button
              variant="default"
              onClick={() => {
                copy(shown.statement);
              }}
            >
              {en.common.copy}
            </Button>
          </>
        )}
      </Modal>
    </Panel>
  );
}
