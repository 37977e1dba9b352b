import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CheckFinding } from '#shared/contract/dataMap.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { en } from '#shared/strings/en.ts';
import { call } from '../../client/call.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, useSession } from '../../client/session.ts';
import { Dim, FailureNote, Note, Panel } from '../../components/Basics.tsx';
import { formatNumber } from '../../components/format.ts';
import { JobLine } from '../../components/JobLine.tsx';
import { Findings } from './Findings.tsx';
import styles from './settings.module.css';

const words = en.settings.map.bucket;

/** Compares the live bucket with what rows name; for those whose work it is, where the profile has a bucket. */
export function BucketCheck(): ReactNode {
  const session = useSession();
  const works = useMay(['auditor', 'admin']);
  const jobs = useRead('jobs.list', {});
  const begin = useWrite('map.checkBucket');
  if (!works) return null;
  const own = (jobs.data?.jobs ?? []).filter((each) => each.kind === 'bucket');
  const job = own.find((each) => each.id === begin.data?.jobId) ?? own[0];
  const running = job?.state === 'running';
  return (
    <Panel
      title={words.title}
      actions={
        session.objectStore ? (
          <Button
            variant="default"
            disabled={running}
            loading={begin.isPending}
            onClick={() => {
              begin.mutate({});
            }}
          >
            {job === undefined ? words.begin : words.again}
          </Button>
        ) : null
      }
    >
      <p>
        <Dim>{session.objectStore ? words.text : words.none}</Dim>
      </p>
      <div role="status" className={styles['bucket']}>
        {begin.error ? <FailureNote failure={begin.error} /> : null}
        {job === undefined ? null : job.state === 'running' ? (
          <JobLine
            job={job}
            onCancel={(id) => {
              void call('jobs.cancel', { id }).catch(() => undefined);
            }}
          />
        ) : (
          <Outcome job={job} />
        )}
      </div>
    </Panel>
  );
}

function Outcome(props: { readonly job: Job }): ReactNode {
  const { state, failure, result } = props.job;
  if (state === 'cancelled') return <Note tone="plain">{words.cancelled}</Note>;
  if (failure !== null) return <FailureNote failure={failure} />;
  if (result === null) return null;
  const findings = (result['findings'] ?? []) as readonly CheckFinding[];
  const count = (name: string): string => formatNumber(Number(result[name] ?? 0));
  return (
    <>
      <Note tone={findings.some((each) => each.severity === 'blocks') ? 'bad' : 'good'}>
        {words.counted(
          count('objects'),
          count('named'),
          count('underPrefix'),
          count('unnamed'),
          count('missing'),
        )}
      </Note>
      <Findings
        findings={findings.map((each) => ({
          what: each.subject,
          detail: each.says,
          blocks: each.severity === 'blocks',
        }))}
      />
    </>
  );
}
