import type { ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { Pager } from '../../components/Pager.tsx';

/** How many lines of a package are read at once. */
export const pageLength = 100;

/** The way to earlier and later lines of a package. */
export function LinePager(props: {
  /** The first line shown, and how many there are. */
  readonly from: number;
  readonly count: number;
  readonly next: number | null;
  readonly onGo: (from: number) => void;
}): ReactNode {
  const { from, count, next, onGo } = props;
  return (
    <Pager
      shows={count === 0 ? '' : en.packageCheck.shown(from, from + count - 1)}
      onEarlier={
        from === 1
          ? null
          : () => {
              onGo(Math.max(1, from - pageLength));
            }
      }
      onLater={
        next === null
          ? null
          : () => {
              onGo(next);
            }
      }
    />
  );
}
