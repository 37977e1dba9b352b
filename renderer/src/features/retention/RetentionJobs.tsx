import type { ReactNode } from 'react';
import type { Job } from '#shared/contract/workstation.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { call } from '../../client/call.ts';
import { useRead } from '../../client/queries.ts';
import { Panel } from '../../components/Basics.tsx';
import { JobLine } from '../../components/JobLine.tsx';

/** What counts or runs now on this computer. */
export function useRetentionJobs(): readonly Job[] {
  const jobs = useRead('jobs.list', {});
  return (jobs.data?.jobs ?? []).filter((job) => job.kind === 'retention' && isUnderWay(job));
}

/** What counts or runs now, and how the last one failed. */
export function RetentionJobs(): ReactNode {
  const jobs = useRead('jobs.list', {});
  const last = (jobs.data?.jobs ?? []).find((job) => job.kind === 'retention');
  if (last === undefined || last.state === 'done') return null;
  return (
    <Panel label={en.job.kind.retention}>
      <JobLine
        job={last}
        onCancel={(id) => {
          void call('jobs.cancel', { id }).catch(() => undefined);
        }}
      />
    </Panel>
  );
}
