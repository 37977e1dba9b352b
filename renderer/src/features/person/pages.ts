import { useQueries } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import type { OutputOf } from '#shared/contract/index.ts';
import type { SubjectRow } from '#shared/contract/subjects.ts';
import { call, CallFailed } from '../../client/call.ts';
import { readKey } from '../../client/queries.ts';

/** Rows of one page. */
export const pageSize = 100;
/** A browser's tallest element holds about this many rows of 32 px. */
export const mostRows = 1_000_000;
/** Milliseconds for which a page out of view stays in memory. */
const keepPage = 15_000;

interface KnownPage {
  readonly cursor: readonly string[] | null;
  /** Index of its first row in the collection. */
  readonly start: number;
  /** Rows of it, once it has been read. */
  readonly size: number | null;
}

const firstPage: KnownPage = { cursor: null, start: 0, size: null };
const noPages: readonly KnownPage[] = [firstPage];

interface View {
  readonly first: number;
  readonly last: number;
}

/** What is known of the pages once these answers are in; the same object when they say nothing new. */
function extend(
  known: readonly KnownPage[],
  answers: readonly { readonly data: OutputOf<'subjects.page'> | undefined }[],
  wanted: readonly { readonly page: KnownPage; readonly index: number }[],
): readonly KnownPage[] {
  let next = known;
  answers.forEach(({ data }, at) => {
    const place = wanted[at];
    if (!data || !place) return;
    const size = data.rows.length;
    if (next[place.index]?.size !== size) {
      next = next.map((page, index) => (index === place.index ? { ...page, size } : page));
    }
    const after = place.page.start + size;
    if (data.next !== null && next.length === place.index + 1 && after < mostRows) {
      next = [...next, { cursor: data.next, start: after, size: null }];
    }
  });
  return next;
}

/**
 * A window on a collection of any length: pages are read as they come into view, those out of view
 * leave memory, and what remains of them is where each begins.
 */
export function useCollectionPages(
  accessId: number,
  collection: string,
): {
  readonly rows: readonly SubjectRow[];
  /** Index of `rows[0]` in the collection. */
  readonly offset: number;
  /** Rows known so far, with room for the page that comes next. */
  readonly count: number;
  /** Whether the collection's end has not been seen. */
  readonly openEnded: boolean;
  readonly loading: boolean;
  readonly failure: CallFailed | null;
  readonly retry: () => void;
  readonly onRange: (first: number, last: number) => void;
} {
  const [view, setView] = useState<View>({ first: 0, last: 0 });
  const [known, setKnown] = useState<readonly KnownPage[]>(noPages);

  const inView = known
    .map((page, index) => ({ page, index }))
    .filter(({ page }) => page.start <= view.last && page.start + (page.size ?? pageSize) >= view.first);
  const wanted = inView.length > 0 ? inView : [{ page: firstPage, index: 0 }];

  const answers = useQueries({
    queries: wanted.map(({ page }) => {
      const input = {
        accessId,
        collection,
        limit: pageSize,
        ...(page.cursor === null ? {} : { cursor: [...page.cursor] }),
      };
      return {
        queryKey: readKey('subjects.page', input),
        queryFn: () => call('subjects.page', input),
        gcTime: keepPage,
        staleTime: Infinity,
        retry: false,
      };
    }),
  });

  const extended = extend(known, answers, wanted);
  if (extended !== known) setKnown(extended);

  const last = known.at(-1);
  const count = last ? last.start + (last.size ?? (last.start === 0 ? 0 : pageSize)) : 0;
  // The rows handed on are one run without a gap, so that one offset places them all.
  const from = answers.findIndex((answer) => answer.data !== undefined);
  const gap = answers.findIndex((answer, index) => index > from && answer.data === undefined);
  const run = from < 0 ? [] : answers.slice(from, gap < 0 ? undefined : gap);
  const rows = run.flatMap((answer) => answer.data?.rows ?? []);
  const onRange = useCallback((first: number, end: number) => {
    setView((before) => (before.first === first && before.last === end ? before : { first, last: end }));
  }, []);
  const failed = answers.find((answer) => answer.error !== null);
  return {
    rows,
    offset: wanted[Math.max(0, from)]?.page.start ?? 0,
    count,
    openEnded: last?.size === null,
    loading: answers.some((answer) => answer.isPending),
    failure: failed?.error instanceof CallFailed ? failed.error : null,
    retry: () => void failed?.refetch(),
    onRange,
  };
}
