import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import type { OutputOf } from '#shared/contract/index.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { forgetAccesses } from './accesses.ts';
import { invalidate, readKey } from './queries.ts';
import { forgetSearch } from './searchText.ts';

/** Which reads may have changed when a job has ended. */
const touchedByJob: Readonly<Record<Job['kind'], readonly string[]>> = {
  export: ['exports', 'copies', 'requests', 'audit'],
  erasure: ['erasure', 'requests', 'audit', 'subjects'],
  'audit.verify': ['audit'],
  'audit.export': ['audit'],
  bucket: ['map', 'audit'],
  delivery: ['custody', 'copies', 'audit'],
  package: [],
  replay: ['erasure', 'requests', 'audit'],
  retention: ['retention', 'audit'],
  batch: ['batches', 'erasure', 'requests', 'audit', 'subjects'],
};

const trailPause = 500;

/** Keeps the cache in step with what the core tells unasked; mount once. */
export function useConsoleEvents(): void {
  const client = useQueryClient();
  useEffect(() => {
    let trailTimer: number | undefined;
    const stop = window.privacyConsole.onEvent((event) => {
      if (event.type === 'job') {
        const { job } = event;
        client.setQueryData<OutputOf<'jobs.list'>>(readKey('jobs.list', {}), (before) => ({
          jobs: [job, ...(before?.jobs ?? []).filter((other) => other.id !== job.id)],
        }));
        if (!isUnderWay(job)) void invalidate(client, touchedByJob[job.kind]);
        else if (job.kind === 'erasure') void invalidate(client, ['erasure.show']);
        else if (job.kind === 'retention') void invalidate(client, ['retention.show']);
      } else if (event.type === 'session') {
        const before = client.getQueryData<OutputOf<'session.current'>>(readKey('session.current', {}));
        const locked = event.locked || event.session === null;
        client.setQueryData<OutputOf<'session.current'>>(readKey('session.current', {}), {
          session: event.session,
          locked: event.locked,
        });
        if (locked) emptyCache(client);
        const other = before?.session?.login !== event.session?.login;
        if (locked || other) forgetAccesses();
        // Jobs are of who started them.
        if (other) void client.resetQueries({ queryKey: readKey('jobs.list', {}) });
      } else {
        // A burst of entries (an erasure's batches) becomes one reading of the trail.
        trailTimer ??= window.setTimeout(() => {
          trailTimer = undefined;
          void invalidate(client, ['audit.list']);
        }, trailPause);
      }
    });
    return () => {
      stop();
      window.clearTimeout(trailTimer);
    };
  }, [client]);
}

/** Takes everything that may be personal out of the window's memory; who is signed in and what jobs run may stay. */
export function emptyCache(client: ReturnType<typeof useQueryClient>): void {
  const stays = new Set<unknown>(['session.current', 'profiles.list', 'jobs.list', 'about.show']);
  client.removeQueries({ predicate: (query) => !stays.has(query.queryKey[0]) });
  client.getMutationCache().clear();
  forgetSearch();
}
