import { ActionIcon, Progress } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Job } from '#shared/contract/workstation.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { Status, type Tone } from './Basics.tsx';
import { formatNumber } from './format.ts';
import styles from './basics.module.css';

const tones: Readonly<Record<Job['state'], Tone>> = {
  waiting: 'plain',
  running: 'info',
  done: 'good',
  failed: 'bad',
  cancelled: 'plain',
};

/** Part of a job that is done, 0 to 100; null while the whole isn't known. */
export function percentOf(job: Job): number | null {
  const { done, total } = job.progress;
  return total === null || total <= 0 ? null : Math.min(100, Math.floor((done / total) * 100));
}

/** One job: what it does now, how far it is, and how it ended. */
export function JobLine(props: { readonly job: Job; readonly onCancel?: (id: string) => void }): ReactNode {
  const { job, onCancel } = props;
  const percent = percentOf(job);
  const title =
    en.job.kind[job.kind] + (job.requestId === null ? '' : `, ${en.job.forRequest(job.requestId)}`);
  return (
    <div className={styles['jobLine']}>
      <div className={styles['jobText']}>
        <strong>{title}</strong>
        {isUnderWay(job) ? (
          <span className={styles['dim']}>
            {' '}
            {job.state === 'waiting' ? en.job.state.waiting : job.progress.says}
            {job.progress.total === null
              ? ''
              : ` · ${job.kind === 'export' ? en.job.percent(percent ?? 0) : en.job.progress(formatNumber(job.progress.done), formatNumber(job.progress.total))}`}
          </span>
        ) : null}
      </div>
      {isUnderWay(job) ? (
        onCancel === undefined ? null : (
          <ActionIcon
            variant="default"
            size={24}
            aria-label={`${en.job.cancel}: ${title}`}
            onClick={() => {
              onCancel(job.id);
            }}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        )
      ) : (
        <Status tone={tones[job.state]}>{en.job.state[job.state]}</Status>
      )}
      {isUnderWay(job) ? (
        <Progress
          className={styles['jobBar'] ?? ''}
          value={percent ?? 100}
          animated={percent === null}
          size="sm"
          aria-label={title}
        />
      ) : null}
      {job.failure && job.state === 'failed' ? (
        <p className={styles['jobFailure']}>
          {job.failure.message}
          {job.failure.incident === undefined ? '' : ` ${en.failure.incident(job.failure.incident)}.`}
        </p>
      ) : null}
    </div>
  );
}
