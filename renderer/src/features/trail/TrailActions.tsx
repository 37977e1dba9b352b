import { Button } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { Verification } from '#shared/contract/audit.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tellFailure } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Dim, FailureNote, Moment, Note, Panel, Reference } from '../../components/Basics.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import { formatNumber } from '../../components/format.ts';

/** Verifying and exporting the trail. */
export function TrailActions(): ReactNode {
  const mayVerify = useMay(['auditor', 'approver', 'admin']);
  const mayExport = useMay(['auditor', 'admin']);
  const jobs = useRead('jobs.list', {});
  const verify = useWrite('audit.verify');
  const take = useWrite('audit.export');
  const running = (jobs.data?.jobs ?? []).some(
    (job) => job.kind === 'audit.verify' && job.state === 'running',
  );
  useEffect(() => {
    const failed = verify.error ?? take.error;
    if (failed) tellFailure(failed);
  }, [verify.error, take.error]);

  async function choose(): Promise<void> {
    try {
      const { file } = await call('dialogs.chooseFile', { purpose: 'save', suggested: en.trail.filename });
      if (file !== null) take.mutate({ file });
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }

  return (
    <>
      {mayExport ? (
        <Button variant="default" loading={take.isPending} onClick={() => void choose()}>
          {en.trail.export}
        </Button>
      ) : null}
      {mayVerify ? (
        <Button
          title={en.trail.verifyHint}
          loading={verify.isPending || running}
          onClick={() => {
            verify.mutate({});
          }}
        >
          {en.trail.verify}
        </Button>
      ) : null}
    </>
  );
}

function isVerification(value: unknown): value is Verification {
  return (
    typeof value === 'object' &&
    value !== null &&
    'intact' in value &&
    'entries' in value &&
    'head' in value &&
    'fault' in value
  );
}

/** What the last verification or export of this console came to. */
export function TrailVerdict(): ReactNode {
  const jobs = useRead('jobs.list', {});
  const own = (jobs.data?.jobs ?? []).filter(
    (job) => job.kind === 'audit.verify' || job.kind === 'audit.export',
  );
  const last = [...own].sort((a, b) => b.startedAt.localeCompare(a.startedAt))[0];
  if (!last) return null;
  if (last.state === 'running') {
    return (
      <Panel label={en.job.kind[last.kind]}>
        <JobLine
          job={last}
          onCancel={(id) => {
            void call('jobs.cancel', { id }).catch(() => undefined);
          }}
        />
      </Panel>
    );
  }
  return (
    <div role="status">{last.failure ? <FailureNote failure={last.failure} /> : <Verdict job={last} />}</div>
  );
}

function Verdict(props: { readonly job: Job }): ReactNode {
  const { job } = props;
  if (job.kind === 'audit.export') {
    const file = job.result?.['file'];
    const entries = job.result?.['entries'];
    return (
      <Note tone="good">
        {typeof entries === 'number'
          ? en.trail.exported(en.common.entries(entries))
          : en.job.state[job.state]}
        {typeof file === 'string' ? <> · {file}</> : null}
      </Note>
    );
  }
  if (!isVerification(job.result)) return null;
  const { fault, head, remembered, openIntents, entries, intact } = job.result;
  return (
    <Note tone={intact ? 'good' : 'bad'}>
      <strong>{fault === null ? en.trail.intact(entries) : en.trail.broken(fault.number)}.</strong>{' '}
      {fault === null ? null : <>{fault.says} </>}
      <Dim>
        {job.finishedAt === null ? null : <Moment at={job.finishedAt} />} · {en.trail.head}{' '}
        {formatNumber(head.number)} <Reference text={head.chain} short />
        {' · '}
        {remembered === null
          ? en.trail.firstSeen
          : `${en.trail.remembered} ${formatNumber(remembered.number)}.`}{' '}
        {openIntents > 0 ? (
          <Link to={paths.trailOf({ outcome: 'intent' })}>{en.trail.openIntents(openIntents)}</Link>
        ) : null}
      </Dim>
    </Note>
  );
}
