import { Button, Modal, SegmentedControl } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import type { Batch, BatchItem } from '#shared/contract/batches.ts';
import { batchItemStates } from '#shared/domain/batches.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import {
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
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { Decision } from '../../components/Decision.tsx';
import formStyles from '../../components/form.module.css';
import { formatDate, formatNumber } from '../../components/format.ts';
import { JobLine } from '../../components/JobLine.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { figureColumn } from '../../components/recordColumns.tsx';
import { batchItemTones, batchTones } from '../../components/tones.ts';
import { paths } from '../../paths.ts';
import styles from './batches.module.css';

const words = en.batches;
const whileRunning = 1_000;
const atRest = 15_000;
/** Lines by which nobody is erased. */
const aside: readonly BatchItem['state'][] = ['not_found', 'ambiguous', 'duplicate', 'set_aside'];

/** One batch: the same page for who began it, who approves it and who reads it later. */
export function BatchPage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead(
    'batches.show',
    { id },
    { every: (answer) => (answer?.batch.worker === null ? atRest : whileRunning) },
  );
  return (
    <Loaded read={read} rows={10} page={words.one(id)}>
      {({ batch }) => <OneBatch batch={batch} />}
    </Loaded>
  );
}

function OneBatch(props: { readonly batch: Batch }): ReactNode {
  const { batch } = props;
  const works = useMay(['operator']);
  const decides = useMay(['approver']);
  const { login } = useSession();
  const [callingOff, setCallingOff] = useState(false);
  const ended = ['done', 'denied', 'cancelled'].includes(batch.state);
  return (
    <Page
      title={words.one(batch.id)}
      lead={
        <>
          <Status tone={batchTones[batch.state]}>{words.state[batch.state]}</Status>{' '}
          {words.stateText[batch.state]}
        </>
      }
      actions={
        <>
          <Button component={Link} to={paths.batches} variant="default">
            {words.title}
          </Button>
          {ended || !(works || decides) ? null : (
            <Button
              variant="default"
              onClick={() => {
                setCallingOff(true);
              }}
            >
              {words.callOff}
            </Button>
          )}
        </>
      }
      scrolls
    >
      <About batch={batch} />
      {batch.report === null ? null : <SaveReport batch={batch} />}
      {works && ['planning', 'approved', 'running'].includes(batch.state) ? (
        <Work batch={batch} mine={batch.by === login} />
      ) : null}
      {batch.state === 'awaiting' && decides ? <Decide batch={batch} own={batch.by === login} /> : null}
      {batch.tasks.length === 0 ? null : <Tasks batch={batch} />}
      <Items batch={batch} />
      {batch.lines.length === 0 ? null : <Totals batch={batch} />}
      <Modal
        opened={callingOff}
        onClose={() => {
          setCallingOff(false);
        }}
        size={520}
        title={words.callOff}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        <CallOff
          batch={batch}
          onDone={() => {
            setCallingOff(false);
          }}
        />
      </Modal>
    </Page>
  );
}

function About(props: { readonly batch: Batch }): ReactNode {
  const { batch } = props;
  const approved = batch.approvals.filter(({ decision }) => decision === 'approve').map(({ by }) => by);
  return (
    <Panel label={words.one(batch.id)}>
      <div className={styles['facts']}>
        <Facts
          facts={[
            [words.facts.source, words.source[batch.source]],
            [words.facts.reason, batch.reason],
            [
              words.facts.lines,
              batchItemStates
                .flatMap((state) => {
                  const count = batch.states[state];
                  return count === undefined ? [] : [`${formatNumber(count)} ${words.itemState[state]}`];
                })
                .join(', '),
            ],
            [
              words.facts.by,
              <span key="by">
                {batch.by}, <Moment at={batch.at} />
              </span>,
            ],
            batch.worker === null ? null : [words.facts.worker, batch.worker],
          ]}
        />
        <Facts
          facts={[
            batch.approversNeeded === null
              ? null
              : [words.facts.approvals, words.approvalsOf(approved.join(', '), batch.approversNeeded)],
            batch.sha256 === null ? null : [words.facts.hash, <Hash key="hash" text={batch.sha256} />],
            batch.dueAt === null ? null : [words.facts.dueAt, <Moment key="due" at={batch.dueAt} />],
            batch.unfinished === 0 ? null : [words.facts.left, formatNumber(batch.unfinished)],
          ]}
        />
      </div>
    </Panel>
  );
}

/** What an operator does next: plan, run, pause, go on. */
function Work(props: { readonly batch: Batch; readonly mine: boolean }): ReactNode {
  const { batch, mine } = props;
  const jobs = useRead('jobs.list', {});
  const plan = useWrite('batches.plan');
  const run = useWrite('batches.run');
  const job = (jobs.data?.jobs ?? []).find(
    ({ id }) => id === run.data?.jobId || id === plan.data?.jobId || false,
  );
  const busy = job !== undefined && isUnderWay(job);
  const planned = batch.states.planned ?? 0;
  const failure = plan.error ?? run.error;
  const planning = batch.state === 'planning';
  if (planning && !mine) return null;
  return (
    <Panel label={planning ? words.make : words.run(planned)}>
      <div className={styles['form']}>
        {planning ? null : <p>{words.runText(planned)}</p>}
        {job === undefined ? null : (
          <JobLine
            job={job}
            onCancel={(id) => {
              void call('jobs.cancel', { id }).catch(() => undefined);
            }}
          />
        )}
        {failure === null ? null : <FailureNote failure={failure} />}
        <div className={styles['buttons']}>
          {busy ? (
            <Button
              variant="default"
              onClick={() => {
                void call('jobs.cancel', { id: job.id }).catch(() => undefined);
              }}
            >
              {words.pause}
            </Button>
          ) : planning ? (
            <Button
              loading={plan.isPending}
              onClick={() => {
                plan.mutate({ id: batch.id });
              }}
            >
              {words.make}
            </Button>
          ) : (
            <Button
              color="#a3201a"
              loading={run.isPending}
              onClick={() => {
                run.mutate({ id: batch.id });
              }}
            >
              {batch.state === 'approved' ? words.run(planned) : words.resume}
            </Button>
          )}
        </div>
      </div>
    </Panel>
  );
}

function Decide(props: { readonly batch: Batch; readonly own: boolean }): ReactNode {
  const { batch, own } = props;
  const password = usePasswordAgain();
  const decide = useWrite('batches.decide', ({ batch: after, entry }, { decision }) => {
    tell(after.state === 'awaiting' ? words.waitsSecond : words.decided[decision], entry);
  });
  if (own) return <Note tone="info">{words.decideOwn}</Note>;
  return (
    <Panel title={words.approve}>
      <div className={formStyles['form']}>
        <Decision
          words={{ why: words.decideWhy, hint: words.decideHint, approve: words.approve, deny: words.deny }}
          password={password}
          failure={decide.error}
          sending={decide.isPending ? decide.variables.decision : null}
          onDecide={(decision, reason) => {
            decide.mutate({ id: batch.id, sha256: batch.sha256 ?? '', decision, reason, ...password.sent });
          }}
        />
      </div>
    </Panel>
  );
}

/** The plans of everybody, summed up: what an approver approves. */
function Totals(props: { readonly batch: Batch }): ReactNode {
  const titles = words.totalColumns;
  const actions: Readonly<Record<string, string>> = en.deletion.action;
  return (
    <Panel title={words.totals} flush>
      <table className={styles['table']}>
        <thead>
          <tr>
            <th scope="col">{titles.what}</th>
            <th scope="col">{titles.action}</th>
            <th scope="col" className={styles['number']}>
              {titles.rows}
            </th>
            <th scope="col" className={styles['number']}>
              {titles.atMost}
            </th>
            <th scope="col">{titles.because}</th>
            <th scope="col">{titles.until}</th>
          </tr>
        </thead>
        <tbody>
          {props.batch.lines
            .filter((line) => line.rows > 0)
            .map((line) => (
              <tr key={`${line.collection} ${line.action} ${line.because ?? ''}`}>
                <td>{line.title}</td>
                <td>{actions[line.action] ?? line.action}</td>
                <td className={styles['number']}>{formatNumber(line.rows)}</td>
                <td className={styles['number']}>
                  {line.atMost === null ? en.common.nothing : formatNumber(line.atMost)}
                </td>
                <td>{line.because ?? en.common.nothing}</td>
                <td>{line.until === null ? en.common.nothing : formatDate(line.until.slice(0, 10))}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </Panel>
  );
}

const itemColumns: readonly DataColumn<BatchItem>[] = [
  {
    id: 'line',
    title: words.item.line,
    width: '72px',
    cell: ({ line }) => String(line),
    sort: ({ line }) => line,
  },
  {
    id: 'state',
    title: words.item.state,
    width: 'minmax(144px, 0.8fr)',
    cell: ({ state }) => <Status tone={batchItemTones[state]}>{words.itemState[state]}</Status>,
    sort: ({ state }) => state,
  },
  {
    id: 'person',
    title: words.item.person,
    width: 'minmax(136px, 0.8fr)',
    cell: ({ subject }) => (subject === null ? en.common.nothing : <Reference text={subject} />),
  },
  {
    id: 'request',
    title: words.item.request,
    width: 'minmax(112px, 0.6fr)',
    cell: ({ request }) =>
      request === null ? (
        en.common.nothing
      ) : (
        <Link to={paths.request(request)}>{en.common.request(request)}</Link>
      ),
  },
  figureColumn('rows', words.item.rows, '136px', ({ rows }) => rows),
  {
    id: 'because',
    title: words.item.because,
    width: 'minmax(240px, 2.4fr)',
    cell: ({ because, kept }) => (
      <CellText>
        {[
          ...(because === null ? [] : [because]),
          ...kept.map((part) =>
            words.closed.keptPart(part.title, part.because, part.until?.slice(0, 10) ?? null),
          ),
        ].join(' · ')}
      </CellText>
    ),
  },
];

function Items(props: { readonly batch: Batch }): ReactNode {
  const { batch } = props;
  const [only, setOnly] = useState<'all' | 'aside'>('all');
  const read = useRead(
    'batches.items',
    { id: batch.id, ...(only === 'all' ? {} : { states: [...aside] }) },
    { keepPrevious: true, every: batch.worker === null ? atRest : 3_000 },
  );
  const asideCount = aside.reduce((sum, state) => sum + (batch.states[state] ?? 0), 0);
  return (
    <Panel
      title={words.itemsTitle}
      label={words.itemsTitle}
      flush
      className={styles['list'] ?? ''}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={words.itemsTitle}
          value={only}
          data={[
            { value: 'all', label: words.itemsAll },
            { value: 'aside', label: `${words.itemsAside} · ${formatNumber(asideCount)}` },
          ]}
          onChange={(value) => {
            setOnly(value === 'aside' ? 'aside' : 'all');
          }}
        />
      }
    >
      <Loaded read={read} rows={8}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={words.itemsNone} />
          ) : (
            <DataTable
              label={words.itemsTitle}
              columns={itemColumns}
              rows={items}
              rowKey={({ line }) => String(line)}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function SaveReport(props: { readonly batch: Batch }): ReactNode {
  const { batch } = props;
  async function save(): Promise<void> {
    try {
      const { file } = await call('dialogs.chooseFile', {
        purpose: 'save',
        suggested: `batch-${String(batch.id)}.html`,
      });
      if (file === null) return;
      await call('batches.saveReport', { id: batch.id, file });
      tell(words.saved);
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }
  return (
    <Panel label={words.report.title(batch.id)} title={words.report.title(batch.id)}>
      <div className={styles['form']}>
        <p>{words.done(batch.states.done ?? 0)}</p>
        <Facts facts={[[words.report.hash, <Hash key="hash" text={batch.report ?? ''} />]]} />
        <div className={styles['buttons']}>
          <Button variant="default" onClick={() => void save()}>
            {words.saveReport}
          </Button>
          <Dim>{words.saveHint}</Dim>
        </div>
      </div>
    </Panel>
  );
}

/** What people do by hand, for everybody of the batch at once. */
function Tasks(props: { readonly batch: Batch }): ReactNode {
  const { batch } = props;
  const works = useMay(['operator']);
  const [doing, setDoing] = useState<string | null>(null);
  const [evidence, setEvidence] = useState('');
  const close = (): void => {
    setDoing(null);
    setEvidence('');
  };
  const done = useWrite('batches.doTask', (_answer, { task }) => {
    tell(words.taskTold(batch.tasks.find(({ name }) => name === task)?.title ?? task));
    close();
  });
  const possible = works && ['approved', 'running'].includes(batch.state);
  return (
    <Panel title={en.deletion.handTitle} flush>
      <table className={styles['table']}>
        <tbody>
          {batch.tasks.map((task) => (
            <tr key={task.name}>
              <td>{task.title}</td>
              <td>{task.owner}</td>
              <td>
                {task.open === 0 ? (
                  <Status tone="good">{words.taskDone}</Status>
                ) : (
                  <Status tone="warn">{words.taskOpen(task.open)}</Status>
                )}
              </td>
              <td>
                {possible && task.open > 0 ? (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={en.deletion.handDoTitle(task.title)}
                    onClick={() => {
                      setDoing(task.name);
                    }}
                  >
                    {words.taskDo}
                  </Button>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Modal
        opened={doing !== null}
        onClose={close}
        size={520}
        title={words.taskDo}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        <form
          className={formStyles['form']}
          onSubmit={(event) => {
            event.preventDefault();
            if (doing !== null && isReason(evidence))
              done.mutate({ id: batch.id, task: doing, evidence: evidence.trim() });
          }}
        >
          <Reason
            first
            label={words.taskEvidence}
            hint={words.decideHint}
            value={evidence}
            onChange={setEvidence}
          />
          {done.error ? <FailureNote failure={done.error} /> : null}
          <div className={formStyles['buttons']}>
            <Button variant="default" onClick={close}>
              {en.common.cancel}
            </Button>
            <Button type="submit" disabled={!isReason(evidence)} loading={done.isPending}>
              {words.taskDo}
            </Button>
          </div>
        </form>
      </Modal>
    </Panel>
  );
}

function CallOff(props: { readonly batch: Batch; readonly onDone: () => void }): ReactNode {
  const { batch, onDone } = props;
  const [reason, setReason] = useState('');
  const callOff = useWrite('batches.callOff', ({ entry }) => {
    tell(words.calledOff(batch.id), entry);
    onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (isReason(reason)) callOff.mutate({ id: batch.id, reason: reason.trim() });
      }}
    >
      <p>{words.callOffText}</p>
      <Reason first label={words.facts.reason} hint={words.decideHint} value={reason} onChange={setReason} />
      {callOff.error ? <FailureNote failure={callOff.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={onDone}>
          {words.keep}
        </Button>
        <Button type="submit" disabled={!isReason(reason)} loading={callOff.isPending}>
          {words.callOff}
        </Button>
      </div>
    </form>
  );
}
