import { Button, Modal, Progress, Radio, TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import type { ErasurePlan, PlanDifference, PlanTask } from '#shared/contract/erasure.ts';
import { permits } from '#shared/domain/roles.ts';
import { en } from '#shared/strings/en.ts';
import { copy, tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import {
  Controller,
  Dim,
  Facts,
  FailureNote,
  Hash,
  Loaded,
  Moment,
  Note,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import {
  formatBytes,
  formatWait,
  formatDate,
  formatDuration,
  formatNumber,
} from '../../components/format.ts';
import { Decision } from '../../components/Decision.tsx';
import { useNow } from '../../components/clock.ts';
import { rowsThatGo } from '../../components/planColumns.tsx';
import { planTones } from '../../components/tones.ts';
import { Certificate } from './Certificate.tsx';
import { FoundAgain, Outcomes } from './FoundAgain.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { HeldNote } from './Held.tsx';
import styles from './deletion.module.css';

/** Milliseconds between looks at the plan. */
const whileRunning = 1_000;
const atRest = 30_000;

/** One deletion plan: the same page for who made it, who approves it and who reads it later. */
export function PlanPage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead(
    'erasure.show',
    { planId: id },
    { every: (answer) => (answer?.plan.state === 'running' ? whileRunning : atRest) },
  );
  return (
    <Loaded read={read} rows={10} page={en.deletion.titleFor(id)}>
      {({ plan, since }) => <OnePlan key={plan.id} plan={plan} since={since} />}
    </Loaded>
  );
}

function OnePlan(props: { readonly plan: ErasurePlan; readonly since: PlanDifference | null }): ReactNode {
  const { plan } = props;
  const navigate = useNavigate();
  const session = useSession();
  const works = permits(['operator'], session.roles);
  const jobs = useRead('jobs.list', {});
  // A run that no job of this console carries on has died here or goes on elsewhere; either way it may be resumed.
  const busy = (jobs.data?.jobs ?? []).some(
    (job) => job.kind === 'erasure' && job.requestId === plan.requestId && job.state === 'running',
  );
  const [first] = plan.approvals;
  const now = useNow();
  const waits = plan.run?.state === 'waiting' && !plan.run.isDue && now < Date.parse(plan.run.dueAt);
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    cancel.current?.focus();
  }, []);
  return (
    <Page
      title={en.deletion.titleFor(plan.id)}
      lead={
        <>
          {plan.state === 'running' && plan.run?.state === 'incomplete' ? (
            <>
              <Status tone="bad">{en.deletion.unfinished}</Status> {en.deletion.unfinishedText}
            </>
          ) : (
            <>
              <Status tone={planTones[plan.state]}>{en.deletion.state[plan.state]}</Status>{' '}
              {en.deletion.stateText[plan.state]}
            </>
          )}
        </>
      }
      actions={
        <Button
          ref={cancel}
          variant="default"
          onClick={() => {
            void navigate(paths.request(plan.requestId));
          }}
        >
          {plan.state === 'done' ? en.common.close : en.common.cancel}
        </Button>
      }
      scrolls
    >
      <Controller says={plan.controller} />
      {plan.state === 'approved' || plan.state === 'running' ? <HeldNote /> : null}
      <HoldsFound plan={plan} />
      {plan.state === 'done' || plan.state === 'expired' ? null : <FloorNote />}
      {plan.state === 'done' ? <Certificate planId={plan.id} /> : null}
      <Panel label={en.deletion.titleFor(plan.id)}>
        <div className={styles['facts']}>
          <Facts
            facts={[
              [
                en.deletion.person,
                <span key="person">
                  {permits(['viewer', 'operator'], session.roles) ? (
                    <Link to={paths.person(plan.subject, plan.requestId)}>
                      <Reference text={plan.subject} />
                    </Link>
                  ) : (
                    <Reference text={plan.subject} onCopy={copy} />
                  )}
                </span>,
              ],
              [
                en.deletion.request,
                <Link key="request" to={paths.request(plan.requestId)}>
                  {en.common.request(plan.requestId)}
                </Link>,
              ],
              [
                en.deletion.plannedBy,
                <span key="by">
                  {plan.plannedBy}, <Moment at={plan.plannedAt} />
                </span>,
              ],
              ...plan.approvals.map(
                (each) =>
                  [
                    each.decision === 'approve' ? en.deletion.approvedBy : en.deletion.deniedBy,
                    <span key={each.at}>
                      {each.by}, <Moment at={each.at} />
                    </span>,
                  ] as const,
              ),
              plan.approversNeeded > 1 && ['draft', 'awaiting'].includes(plan.state)
                ? [en.deletion.approvers, en.deletion.twoApprovers]
                : null,
              plan.state !== 'approved' || first === undefined
                ? null
                : [en.deletion.validUntil, <Moment key="until" at={first.expiresAt} />],
            ]}
          />
          <Facts
            facts={[
              [en.deletion.planHash, <Hash key="hash" text={plan.sha256} />],
              [en.deletion.mapHash, <Hash key="map" text={plan.mapHash} />],
              [en.deletion.columns.rows, formatNumber(rowsThatGo(plan))],
              plan.run === null
                ? [
                    en.deletion.estimate,
                    en.deletion.estimateText(formatDuration(plan.estimate.seconds), plan.estimate.measured),
                  ]
                : null,
            ]}
          />
        </div>
      </Panel>
      <FoundAgain plan={plan} />
      <FourColumns plan={plan} works={works} />
      {props.since === null || plan.run !== null ? null : <Since since={props.since} />}
      <ByHand plan={plan} works={works} />
      {plan.state === 'done' ? null : <Run plan={plan} />}
      {plan.run?.state === 'incomplete' && plan.run.outcomes.length > 0 ? (
        <Panel title={en.deletion.again.outcomes}>
          <Outcomes outcomes={plan.run.outcomes} />
        </Panel>
      ) : null}
      {plan.run?.state === 'waiting' ? <Waiting plan={plan} dueAt={plan.run.dueAt} /> : null}
      {plan.state === 'awaiting' ? <Decide plan={plan} /> : null}
      {works && (plan.state === 'approved' || (plan.state === 'running' && !busy && !waits)) ? (
        <RunForm plan={plan} />
      ) : null}
      {works && (plan.state === 'denied' || plan.state === 'expired') ? (
        <div>
          <Button component={Link} to={paths.deletionOf(plan.requestId)} variant="default">
            {en.deletion.makeAgain}
          </Button>
        </div>
      ) : null}
    </Page>
  );
}

/** The legal holds a plan has met: what stays, what stops it, and what can go after all. */
function HoldsFound(props: { readonly plan: ErasurePlan }): ReactNode {
  const { plan } = props;
  const words = en.holds.found;
  if (plan.holds.length === 0) return null;
  const stops = plan.holds.some((hold) => !hold.lifted && (hold.person || hold.late));
  return (
    <Note tone={stops ? 'bad' : 'warn'}>
      {plan.holds.map((hold) => (
        <div key={hold.hold}>
          <Link to={paths.holds}>{en.holds.number(hold.hold)}</Link>: {hold.ground}.{' '}
          {hold.lifted
            ? words.lifted
            : hold.person
              ? words.person
              : hold.late
                ? words.late
                : words.part(hold.rows ?? 0)}
        </div>
      ))}
    </Note>
  );
}

function ColumnTitle(props: { readonly title: string; readonly hint: string }): ReactNode {
  return (
    <>
      {props.title}
      <span className={styles['hint']}>{props.hint}</span>
    </>
  );
}

function Lines(props: { readonly lines: ErasurePlan['lines']; readonly empty: string }): ReactNode {
  if (props.lines.length === 0) {
    return (
      <p style={{ padding: '8px 16px' }}>
        <Dim>{props.empty}</Dim>
      </p>
    );
  }
  return (
    <ul className={styles['lines']}>
      {props.lines.map((line) => (
        <li key={`${line.collection} ${line.action}`} className={styles['line']}>
          <span>{line.title}</span>
          <span className={styles['figure']}>{formatNumber(line.rows)}</span>
          <span className={styles['what']}>{whatOf(line)}</span>
        </li>
      ))}
    </ul>
  );
}

function whatOf(line: ErasurePlan['lines'][number]): string {
  const words = en.deletion;
  const said = [
    line.action === 'delete' || line.action === 'keep' ? null : words.action[line.action],
    line.because,
    line.atMost === null ? null : words.upTo(formatNumber(line.atMost)),
  ].filter((each) => each !== null);
  const until = line.until === null ? '' : `, ${words.until(formatDate(line.until.slice(0, 10)))}`;
  return `${said.join(' · ')}${until}`;
}

function FourColumns(props: { readonly plan: ErasurePlan; readonly works: boolean }): ReactNode {
  const { plan } = props;
  const navigate = useNavigate();
  const [answers, setAnswers] = useState<Readonly<Record<string, string>>>({});
  const again = useWrite('erasure.plan', ({ plan: next, entry }) => {
    tell(en.deletion.titleFor(next.id) + '.', entry);
    void navigate(paths.plan(next.id), { replace: true });
  });
  const goes = plan.lines.filter(
    (line) => ['quiesce', 'delete', 'anonymise', 'detach'].includes(line.action) && line.rows > 0,
  );
  const kept = plan.lines.filter(
    (line) => ['keep', 'hand_over', 'anonymise_shared'].includes(line.action) && line.rows > 0,
  );
  const decidable = props.works && (plan.state === 'draft' || plan.state === 'awaiting');
  const complete = plan.decisions.every((one) => (answers[one.key] ?? one.chosen) !== null);
  const changed = plan.decisions.some((one) => (answers[one.key] ?? one.chosen) !== one.chosen);
  return (
    <div className={styles['four']}>
      <Panel
        className={styles['column'] ?? ''}
        flush
        label={en.deletion.goes}
        title={<ColumnTitle title={en.deletion.goes} hint={en.deletion.goesHint} />}
      >
        <Lines lines={goes} empty={en.deletion.nothingGoes} />
      </Panel>
      <Panel
        className={styles['column'] ?? ''}
        flush
        label={en.deletion.kept}
        title={<ColumnTitle title={en.deletion.kept} hint={en.deletion.keptHint} />}
      >
        <Lines lines={kept} empty={en.deletion.nothingKept} />
      </Panel>
      <Panel
        className={styles['column'] ?? ''}
        flush
        label={en.deletion.decide}
        title={<ColumnTitle title={en.deletion.decide} hint={en.deletion.decideHint} />}
      >
        {plan.decisions.length === 0 ? (
          <p style={{ padding: '8px 16px' }}>
            <Dim>{en.deletion.nothingToDecide}</Dim>
          </p>
        ) : (
          plan.decisions.map((decision) => (
            <div key={decision.key} className={styles['question']}>
              {decidable ? (
                <Radio.Group
                  label={decision.question}
                  description={decision.about}
                  inputWrapperOrder={['label', 'description', 'input', 'error']}
                  value={answers[decision.key] ?? decision.chosen}
                  onChange={(value) => {
                    setAnswers((before) => ({ ...before, [decision.key]: value }));
                  }}
                >
                  <div className={styles['form']} style={{ gap: 8, marginTop: 8 }}>
                    {decision.options.map((option) => (
                      <Radio key={option.value} size="xs" value={option.value} label={option.title} />
                    ))}
                  </div>
                </Radio.Group>
              ) : (
                <>
                  <strong>{decision.question}</strong>
                  <Dim>{decision.about}</Dim>
                  <span>
                    {decision.options.find((option) => option.value === decision.chosen)?.title ??
                      en.deletion.undecided}
                  </span>
                </>
              )}
            </div>
          ))
        )}
        {again.error ? <FailureNote failure={again.error} /> : null}
        {decidable && plan.decisions.length > 0 ? (
          <div style={{ padding: '8px 16px' }}>
            <Button
              variant={plan.state === 'draft' ? 'filled' : 'default'}
              disabled={!complete || !changed}
              loading={again.isPending}
              onClick={() => {
                const chosen = Object.fromEntries(
                  plan.decisions.flatMap((one) => {
                    const answer = answers[one.key] ?? one.chosen;
                    return answer === null ? [] : [[one.key, answer] as const];
                  }),
                );
                again.mutate({ requestId: plan.requestId, decisions: chosen });
              }}
            >
              {en.deletion.answers}
            </Button>
          </div>
        ) : null}
      </Panel>
      <Panel
        className={styles['column'] ?? ''}
        flush
        label={en.deletion.task}
        title={<ColumnTitle title={en.deletion.task} hint={en.deletion.taskHint} />}
      >
        {plan.objects.count === 0 ? (
          <p style={{ padding: '8px 16px' }}>
            <Dim>{en.deletion.nothingOutside}</Dim>
          </p>
        ) : (
          <ul className={styles['lines']}>
            <li className={styles['line']}>
              <span>{en.deletion.objectsTitle}</span>
              <span className={styles['figure']}>{formatNumber(plan.objects.count)}</span>
              <span className={styles['what']}>
                {en.deletion.objectsText(formatBytes(plan.objects.bytes))}
              </span>
            </li>
          </ul>
        )}
      </Panel>
    </div>
  );
}

/** What approvers of an earlier plan have to look at. */
function Since(props: { readonly since: PlanDifference }): ReactNode {
  const { since } = props;
  const words = en.deletion;
  const changed = [
    ...since.lines.map((line) => ({
      what: `${line.title}, ${words.action[line.action]}`,
      before: formatNumber(line.before),
      now: formatNumber(line.after),
    })),
    ...(since.objects.before === since.objects.after
      ? []
      : [
          {
            what: words.objectsTitle,
            before: formatNumber(since.objects.before),
            now: formatNumber(since.objects.after),
          },
        ]),
    ...since.decisions.map((each) => ({
      what: each.about,
      before: each.before ?? words.undecided,
      now: each.after ?? words.undecided,
    })),
  ];
  return (
    <Panel title={words.since(since.plan)}>
      <div className={styles['form']}>
        {since.sameMap ? null : <Note tone="warn">{words.sinceMap}</Note>}
        {changed.length === 0 ? (
          <Dim>{words.sinceNothing}</Dim>
        ) : (
          <table className={styles['steps']}>
            <thead>
              <tr>
                <th scope="col">{words.sinceColumns.what}</th>
                <th scope="col">{words.sinceColumns.before}</th>
                <th scope="col">{words.sinceColumns.now}</th>
              </tr>
            </thead>
            <tbody>
              {changed.map((each) => (
                <tr key={each.what}>
                  <th scope="row">{each.what}</th>
                  <td>{each.before}</td>
                  <td>{each.now}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Panel>
  );
}

function Decide(props: { readonly plan: ErasurePlan }): ReactNode {
  const { plan } = props;
  const session = useSession();
  const may = useMay(['approver', 'operator']);
  const password = usePasswordAgain();
  const decide = useWrite('erasure.decide', (done) => {
    password.change('');
    const said = { denied: en.deletion.denied, awaiting: en.deletion.approvedByOne } as const;
    tell(
      done.plan.state === 'denied' || done.plan.state === 'awaiting'
        ? said[done.plan.state]
        : en.deletion.approved,
      done.entry,
    );
  });
  if (!may) return null;
  const own = plan.plannedBy === session.login || plan.plannedBy === session.person;
  const given = plan.approvals.some((each) => each.by === session.login);
  const { reason: why, reasonHint: hint, approve, deny } = en.deletion;
  return (
    <Panel title={en.deletion.approveTitle}>
      <div className={styles['form']}>
        {own ? (
          <Note tone="warn">{en.deletion.ownPlan}</Note>
        ) : given ? (
          <Note tone="info">{en.deletion.secondMissing}</Note>
        ) : (
          <p>{en.deletion.approveText}</p>
        )}
        <Decision
          words={{ why, hint, approve, deny }}
          password={password}
          mayApprove={!given}
          failure={decide.error}
          sending={decide.isPending ? decide.variables.decision : null}
          onDecide={(decision, reason) => {
            const { id: planId, sha256 } = plan;
            decide.mutate({ planId, sha256, decision, reason, ...password.sent });
          }}
        />
      </div>
    </Panel>
  );
}

function RunForm(props: { readonly plan: ErasurePlan }): ReactNode {
  const { plan } = props;
  const [typed, setTyped] = useState('');
  const run = useWrite('erasure.run');
  const resumes = plan.run !== null;
  const confirmed = typed.trim() === plan.subject;
  return (
    <Panel title={en.deletion.runTitle}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (confirmed) run.mutate({ planId: plan.id });
        }}
      >
        <p>{en.deletion.runText}</p>
        <TextInput
          label={en.deletion.confirmLabel(plan.subject)}
          w={280}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
          }}
        />
        {run.error ? <FailureNote failure={run.error} /> : null}
        <div className={styles['buttons']}>
          <Button
            type="submit"
            variant={confirmed ? 'filled' : 'default'}
            {...(confirmed ? { color: '#a3201a' } : {})}
            disabled={!confirmed}
            loading={run.isPending}
          >
            {resumes
              ? plan.run?.state === 'waiting'
                ? en.deletion.goOn
                : en.deletion.resume
              : en.deletion.run}
          </Button>
        </div>
      </form>
    </Panel>
  );
}

/** What people do besides, each with who says so. */
function ByHand(props: { readonly plan: ErasurePlan; readonly works: boolean }): ReactNode {
  const { plan } = props;
  const words = en.deletion;
  const [doing, setDoing] = useState<PlanTask | null>(null);
  if (plan.tasks.length === 0) return null;
  const possible = props.works && (plan.state === 'approved' || plan.state === 'running');
  return (
    <Panel title={words.handTitle} flush>
      <ul className={styles['lines']}>
        {plan.tasks.map((task) => (
          <li key={task.name} className={styles['line']}>
            <span>{task.title}</span>
            {task.doneBy !== null ? (
              <Status tone="good">{words.handDone(task.doneBy)}</Status>
            ) : possible ? (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={words.handDoTitle(task.title)}
                onClick={() => {
                  setDoing(task);
                }}
              >
                {words.handDo}
              </Button>
            ) : (
              <span />
            )}
            <span className={styles['what']}>
              {words.handOwner(task.owner, task.when === 'before' ? words.handBefore : words.handAfter)}
            </span>
          </li>
        ))}
      </ul>
      <Modal
        opened={doing !== null}
        onClose={() => {
          setDoing(null);
        }}
        title={doing === null ? '' : words.handDoTitle(doing.title)}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {doing === null ? null : (
          <DoTask
            planId={plan.id}
            task={doing}
            onDone={() => {
              setDoing(null);
            }}
          />
        )}
      </Modal>
    </Panel>
  );
}

function DoTask(props: {
  readonly planId: number;
  readonly task: PlanTask;
  readonly onDone: () => void;
}): ReactNode {
  const words = en.deletion;
  const [evidence, setEvidence] = useState('');
  const record = useWrite('erasure.doTask', ({ entry }) => {
    tell(words.handTold, entry);
    props.onDone();
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        record.mutate({ planId: props.planId, task: props.task.name, evidence: evidence.trim() });
      }}
    >
      <Reason
        first
        label={words.evidence}
        hint={words.evidenceHint}
        value={evidence}
        onChange={setEvidence}
      />
      {record.error ? <FailureNote failure={record.error} /> : null}
      <div className={styles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(evidence)} loading={record.isPending}>
          {en.common.save}
        </Button>
      </div>
    </form>
  );
}

/** That a law in force asks data to be kept, which a deletion does not wait for. */
function FloorNote(): ReactNode {
  const { data } = useRead('retention.rules', {});
  if (data === undefined || data.floorDays === 0) return null;
  return <Note tone="warn">{en.retention.clashPlan(data.floorDays)}</Note>;
}

/** The time in which a deletion can still be called off. */
function Waiting(props: { readonly plan: ErasurePlan; readonly dueAt: string }): ReactNode {
  const { plan } = props;
  const words = en.deletion;
  const may = useMay(['operator', 'approver']);
  const left = Math.max(0, Math.ceil((Date.parse(props.dueAt) - useNow()) / 1_000));
  const [reason, setReason] = useState('');
  const cancel = useWrite('erasure.cancel', ({ entry }) => {
    tell(words.calledOff, entry);
  });
  return (
    <Panel title={words.callOffTitle}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          cancel.mutate({ planId: plan.id, reason: reason.trim() });
        }}
      >
        <p role="timer">{left > 0 ? words.waits(formatWait(left)) : words.waited}</p>
        <p>{words.restsNow}</p>
        {may ? (
          <>
            <Reason label={words.reason} hint={words.reasonHint} value={reason} onChange={setReason} />
            {cancel.error ? <FailureNote failure={cancel.error} /> : null}
            <div className={styles['buttons']}>
              <Button type="submit" variant="default" disabled={!isReason(reason)} loading={cancel.isPending}>
                {words.callOff}
              </Button>
            </div>
          </>
        ) : null}
      </form>
    </Panel>
  );
}

const runTones = {
  running: 'info',
  waiting: 'warn',
  done: 'good',
  incomplete: 'bad',
  cancelled: 'plain',
} as const;

function Run(props: { readonly plan: ErasurePlan }): ReactNode {
  const { run } = props.plan;
  if (run === null) return null;
  const planned = run.steps.reduce((sum, step) => sum + step.planned, 0);
  const done = run.steps.reduce((sum, step) => sum + Math.min(step.done, step.planned), 0);
  const percent = planned === 0 ? (run.state === 'done' ? 100 : 0) : Math.floor((done / planned) * 100);
  return (
    <Panel
      title={en.deletion.steps}
      actions={<Status tone={runTones[run.state]}>{en.deletion.runState[run.state]}</Status>}
    >
      <div className={styles['form']}>
        <span>
          <Dim>
            {en.deletion.runBy} {run.by}, {en.deletion.runStarted.toLowerCase()} <Moment at={run.startedAt} />
            {run.finishedAt === null ? null : (
              <>
                , {en.deletion.runFinished.toLowerCase()} <Moment at={run.finishedAt} />
              </>
            )}
          </Dim>
        </span>
        <Progress value={percent} aria-label={en.deletion.steps} />
        <table className={styles['steps']}>
          <thead>
            <tr>
              <th scope="col">{en.deletion.stepColumns.step}</th>
              <th scope="col">{en.deletion.stepColumns.planned}</th>
              <th scope="col">{en.deletion.stepColumns.done}</th>
              <th scope="col">{en.deletion.stepColumns.left}</th>
            </tr>
          </thead>
          <tbody>
            {run.steps.map((step) => (
              <tr key={step.name}>
                <th scope="row">{step.title}</th>
                <td>{formatNumber(step.planned)}</td>
                <td>{formatNumber(step.done)}</td>
                <td>{step.left === null ? en.common.nothing : formatNumber(step.left)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
