import { Button, Modal, Radio, TextInput } from '@mantine/core';
import { IconCircleCheckFilled, IconCircleDashed, IconCircleDot } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import type { RequestRow } from '#shared/contract/requests.ts';
import { en } from '#shared/strings/en.ts';
import { copy, tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useExcepting, useRestrictionOf } from '../../client/restrictions.ts';
import { useMay } from '../../client/session.ts';
import {
  Day,
  DaysLeft,
  Dim,
  Empty,
  Facts,
  FailureNote,
  Loaded,
  Moment,
  Note,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { EntryList } from '../../components/EntryList.tsx';
import { exportTones, planTones } from '../../components/tones.ts';
import { formatBytes } from '../../components/format.ts';
import { useKeys } from '../../components/keys.ts';
import { requestTones } from '../../components/requestColumns.tsx';
import { RestrictionNote, StateException } from '../../components/Restriction.tsx';
import { requestSteps, type RequestStep } from './steps.ts';
import styles from './requests.module.css';

/** One request: where it stands, whom it is about, what was made for it, what was recorded. */
export function RequestPage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead('requests.show', { id }, { every: 30_000 });
  return (
    <Loaded read={read} rows={8} page={en.common.request(id)}>
      {({ request }) => <OneRequest key={request.id} request={request} />}
    </Loaded>
  );
}

function OneRequest(props: { readonly request: RequestRow }): ReactNode {
  const { request } = props;
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const maySee = useMay(['viewer', 'operator']);
  const [closing, setClosing] = useState(false);
  const packages = useRead('exports.list', { requestId: request.id });
  const plans = useRead('erasure.list', { requestId: request.id }, { every: 30_000 });
  const entries = useRead('audit.list', { requestId: request.id, limit: 200 });
  const assign = useWrite('requests.assign', (done) => {
    tell(en.request.taken(done.request.id), done.entry);
  });
  const open = request.closedAt === null;
  const restriction = useRestrictionOf(open ? request.subject : null);
  const excepting = useExcepting();
  const steps = requestSteps(request, packages.data?.exports ?? [], plans.data?.plans ?? []);
  const now = steps.find((step) => step.state === 'now')?.id;
  const livePlan = plans.data?.plans.find((plan) => plan.state !== 'denied' && plan.state !== 'expired');
  const exportable = works && open && request.subject !== null;

  const primary: (() => void) | undefined =
    !works || !open
      ? undefined
      : now === 'find'
        ? () => void navigate(paths.searchFor(request.id))
        : now === 'act' && request.kind === 'deletion'
          ? () => void navigate(livePlan ? paths.plan(livePlan.id) : paths.deletionOf(request.id))
          : now === 'act' && request.kind !== 'correction'
            ? () => void navigate(paths.exportOf(request.id))
            : undefined;
  useKeys({
    e: exportable ? () => void navigate(paths.exportOf(request.id)) : undefined,
    'Ctrl+Enter': primary,
  });

  return (
    <Page
      title={`${en.common.request(request.id)} · ${en.request.kind[request.kind]}`}
      lead={<Status tone={requestTones[request.state]}>{en.request.state[request.state]}</Status>}
      actions={
        works && open ? (
          <>
            {request.mine ? null : (
              <Button
                variant={request.assignee === null ? 'filled' : 'default'}
                loading={assign.isPending}
                onClick={() => {
                  assign.mutate({ id: request.id });
                }}
              >
                {en.request.take}
              </Button>
            )}
            <Button
              variant="default"
              onClick={() => {
                setClosing(true);
              }}
            >
              {en.request.close}
            </Button>
          </>
        ) : null
      }
    >
      {assign.error ? <FailureNote failure={assign.error} /> : null}
      {restriction === null ? null : (
        <RestrictionNote restriction={restriction} requestId={request.id}>
          <div className={styles['buttons']}>
            <StateException restriction={restriction} requestId={request.id} excepting={excepting} />
          </div>
        </RestrictionNote>
      )}
      <Panel label={en.request.stepper} className={styles['panel'] ?? ''}>
        <Steps steps={steps} />
      </Panel>
      <div className={styles['columns']}>
        <div className={styles['left']}>
          <div className={styles['pair']}>
            <Panel title={en.request.clock} actions={open ? <DaysLeft days={request.daysLeft} /> : null}>
              <Facts
                facts={[
                  [en.request.receivedOn, <Day key="received" date={request.receivedOn} />],
                  [
                    en.request.dueOn,
                    <span key="due">
                      <Day date={request.dueOn} /> <Dim>· {en.request.rule}</Dim>
                    </span>,
                  ],
                  [
                    en.request.columns.assignee,
                    request.assignee === null
                      ? en.request.unassigned
                      : `${request.assignee}${request.mine ? ` (${en.common.you})` : ''}`,
                  ],
                  [en.request.openedBy, request.openedBy],
                  request.closedAt === null
                    ? null
                    : [en.request.closedAt, <Moment key="closed" at={request.closedAt} />],
                  request.outcome === null
                    ? null
                    : [en.request.outcomeLabel, en.request.outcome[request.outcome] ?? request.outcome],
                ]}
              />
            </Panel>
            <PersonPanel
              request={request}
              works={works && open}
              maySee={maySee}
              erased={(plans.data?.plans ?? []).some((plan) => plan.state === 'done')}
            />
          </div>
          {request.kind === 'correction' && open ? <Note>{en.request.correctionNote}</Note> : null}
          <Panel title={en.request.message} className={styles['panel'] ?? ''}>
            {request.message === null ? (
              <Dim>{en.request.messageHidden}</Dim>
            ) : request.message === '' ? (
              <Dim>{en.request.noMessage}</Dim>
            ) : (
              <p className={styles['message']} dir="auto" tabIndex={0}>
                {request.message}
              </p>
            )}
          </Panel>
          <Panel
            title={en.request.artefacts}
            flush
            className={styles['panel'] ?? ''}
            actions={
              exportable ? (
                <>
                  <Button
                    component={Link}
                    to={paths.exportOf(request.id)}
                    variant="default"
                    title={`${en.request.export} (e)`}
                  >
                    {en.request.export}
                  </Button>
                  {request.kind === 'deletion' ? (
                    <Button
                      component={Link}
                      to={livePlan ? paths.plan(livePlan.id) : paths.deletionOf(request.id)}
                      variant="default"
                    >
                      {livePlan ? en.request.openPlan : en.request.planDeletion}
                    </Button>
                  ) : null}
                </>
              ) : null
            }
          >
            <Loaded read={packages} rows={2}>
              {({ exports }) => {
                const planned = plans.data?.plans ?? [];
                if (exports.length === 0 && planned.length === 0)
                  return <Empty title={en.request.noArtefacts} />;
                return (
                  <>
                    {exports.map((one) => (
                      <div key={`export-${String(one.id)}`} className={styles['artefact']}>
                        <span>
                          <Link to={paths.exportOf(request.id)}>{en.request.package(one.id)}</Link>{' '}
                          <Dim>
                            <Moment at={one.startedAt} />
                            {one.bytes === null ? '' : ` · ${formatBytes(one.bytes)}`}
                          </Dim>
                        </span>
                        <Status tone={exportTones[one.state]}>{en.request.exportState[one.state]}</Status>
                      </div>
                    ))}
                    {planned.map((plan) => (
                      <div key={`plan-${String(plan.id)}`} className={styles['artefact']}>
                        <span>
                          <Link to={paths.plan(plan.id)}>
                            {plan.state === 'done' ? en.request.certificate : en.common.plan(plan.id)}
                          </Link>{' '}
                          <Dim>
                            <Moment at={plan.plannedAt} /> · {plan.plannedBy}
                          </Dim>
                        </span>
                        <Status tone={planTones[plan.state]}>{en.deletion.state[plan.state]}</Status>
                      </div>
                    ))}
                  </>
                );
              }}
            </Loaded>
          </Panel>
        </div>
        <Panel
          title={en.request.entries}
          flush
          actions={
            <Button component={Link} to={paths.trailOf({ request: String(request.id) })} variant="subtle">
              {en.common.openInTrail}
            </Button>
          }
        >
          <div className={styles['entries']} tabIndex={0}>
            <Loaded read={entries} rows={8}>
              {({ entries: all }) =>
                all.length === 0 ? (
                  <Empty title={en.request.noEntries} />
                ) : (
                  <EntryList entries={all} linkTo={paths.entry} />
                )
              }
            </Loaded>
          </div>
        </Panel>
      </div>
      <CloseRequest
        request={request}
        opened={closing}
        onClose={() => {
          setClosing(false);
        }}
      />
    </Page>
  );
}

const stepIcons = { done: IconCircleCheckFilled, now: IconCircleDot, later: IconCircleDashed } as const;
const stepStyles = { done: 'stepDone', now: 'stepNow', later: 'stepLater' } as const;

function Steps(props: { readonly steps: readonly RequestStep[] }): ReactNode {
  return (
    <ol className={styles['steps']}>
      {props.steps.map((step) => {
        const Icon = stepIcons[step.state];
        return (
          <li
            key={step.id}
            className={`${styles['step'] ?? ''} ${styles[stepStyles[step.state]] ?? ''}`}
            {...(step.state === 'now' ? { 'aria-current': 'step' as const } : {})}
          >
            <Icon size={20} aria-hidden />
            <span className={styles['stepName']}>{step.title}</span>
            <span className={styles['stepText']}>{step.text}</span>
          </li>
        );
      })}
    </ol>
  );
}

function PersonPanel(props: {
  readonly request: RequestRow;
  readonly works: boolean;
  readonly maySee: boolean;
  readonly erased: boolean;
}): ReactNode {
  const { request, works, maySee, erased } = props;
  const [reference, setReference] = useState('');
  const link = useWrite('requests.link', ({ entry }) => {
    tell(en.request.linked, entry);
  });
  const valid = /^S-[0-9A-F]{12}$/.test(reference.trim());
  if (request.subject !== null) {
    return (
      <Panel title={en.request.person}>
        <Reference text={request.subject} onCopy={copy} />
        {request.controller === null ? null : (
          <p>
            {request.controller} {en.request.controllerDecides}
          </p>
        )}
        {erased ? (
          <p>
            <Dim>{en.request.personErased}</Dim>
          </p>
        ) : null}
        <div className={styles['buttons']}>
          {maySee && !erased ? (
            <Button component={Link} to={paths.person(request.subject, request.id)} variant="default">
              {en.request.openPerson}
            </Button>
          ) : null}
          <Button
            component={Link}
            to={paths.trailOf({ subject: request.subject })}
            variant={erased ? 'default' : 'subtle'}
          >
            {en.common.openInTrail}
          </Button>
        </div>
      </Panel>
    );
  }
  return (
    <Panel title={en.request.person}>
      <p>
        <strong>{en.request.personUnknown}</strong>
      </p>
      {works ? (
        <>
          <Dim>{en.request.personUnknownHint}</Dim>
          <form
            className={styles['buttons']}
            onSubmit={(event) => {
              event.preventDefault();
              if (valid) link.mutate({ id: request.id, subject: reference.trim() });
            }}
          >
            <Button component={Link} to={paths.searchFor(request.id)}>
              {en.request.searchPerson}
            </Button>
            <TextInput
              aria-label={en.request.linkByReference}
              placeholder={en.trail.subjectHint}
              w={144}
              value={reference}
              onChange={(event) => {
                setReference(event.currentTarget.value.toUpperCase());
              }}
            />
            <Button type="submit" variant="default" disabled={!valid} loading={link.isPending}>
              {en.request.link}
            </Button>
          </form>
          {link.error ? <FailureNote failure={link.error} /> : null}
        </>
      ) : null}
    </Panel>
  );
}

const outcomes = ['done', 'refused', 'withdrawn', 'no_such_person'] as const;
type Outcome = (typeof outcomes)[number];

function CloseRequest(props: {
  readonly request: RequestRow;
  readonly opened: boolean;
  readonly onClose: () => void;
}): ReactNode {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const close = useWrite('requests.close', ({ request, entry }) => {
    tell(en.request.closed(request.id), entry);
    props.onClose();
  });
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={en.request.closeTitle}
      closeButtonProps={{ 'aria-label': en.common.close }}
    >
      <div className={styles['form']}>
        <Radio.Group
          aria-label={en.request.outcomeLabel}
          value={outcome}
          onChange={(value) => {
            setOutcome(outcomes.find((one) => one === value) ?? null);
          }}
        >
          <div className={styles['form']} style={{ gap: 8 }}>
            {outcomes.map((one) => (
              <Radio
                key={one}
                value={one}
                size="xs"
                label={en.request.outcome[one]}
                description={en.request.outcomeHint[one]}
              />
            ))}
          </div>
        </Radio.Group>
        {close.error ? <FailureNote failure={close.error} /> : null}
        <div className={styles['end']}>
          <Button variant="default" onClick={props.onClose}>
            {en.common.cancel}
          </Button>
          <Button
            disabled={outcome === null}
            loading={close.isPending}
            onClick={() => {
              if (outcome !== null) close.mutate({ id: props.request.id, outcome });
            }}
          >
            {en.request.close}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
