import { Button } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import styles from './packageCheck.module.css';

/** How many lines of a package are read at once. */
export const pageLength = 100;

/** The way to earlier and later lines. */
export function Pager(props: {
  /** The first line shown, and how many there are. */
  readonly from: number;
  readonly count: number;
  readonly next: number | null;
  readonly onGo: (from: number) => void;
}): ReactNode {
  const { from, count, next } = props;
  return (
    <div className={styles['pager']}>
      <span aria-live="polite">{count === 0 ? '' : en.packageCheck.shown(from, from + count - 1)}</span>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconChevronLeft size={14} aria-hidden />}
        disabled={from === 1}
        onClick={() => {
          props.onGo(Math.max(1, from - pageLength));
        }}
      >
        {en.packageCheck.earlier}
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        rightSection={<IconChevronRight size={14} aria-hidden />}
        disabled={next === null}
        onClick={() => {
          if (next !== null) props.onGo(next);
        }}
      >
        {en.packageCheck.later}
      </Button>
    </div>
  );
}
