import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { AuditEntry } from '#shared/contract/audit.ts';
import type { InputOf, OutputOf } from '#shared/contract/index.ts';
import { call, type CallFailed } from '../../client/call.ts';

export type TrailFilter = Omit<InputOf<'audit.list'>, 'before' | 'limit'>;

const pageSize = 200;
/** Entries hold no personal data and are small; beyond this many the filter is the better tool. */
const mostPages = 250;

/** Entries newest first, page after page by number. */
export function useEntries(filter: TrailFilter): {
  readonly entries: readonly AuditEntry[];
  readonly pending: boolean;
  readonly failure: CallFailed | null;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly retry: () => void;
} {
  const query = useInfiniteQuery<
    OutputOf<'audit.list'>,
    CallFailed,
    { readonly pages: readonly OutputOf<'audit.list'>[] },
    readonly ['audit.list', TrailFilter, 'pages'],
    number | null
  >({
    queryKey: ['audit.list', filter, 'pages'],
    queryFn: ({ pageParam }) =>
      call('audit.list', {
        ...filter,
        limit: pageSize,
        ...(pageParam === null ? {} : { before: pageParam }),
      }),
    initialPageParam: null,
    getNextPageParam: (last, pages) => (pages.length < mostPages ? last.next : null),
  });
  const entries = useMemo(() => query.data?.pages.flatMap((page) => page.entries) ?? [], [query.data]);
  return {
    entries,
    pending: query.isPending,
    failure: query.error,
    more: query.hasNextPage,
    loadMore: () => {
      if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
    },
    retry: () => void query.refetch(),
  };
}
