import { Button } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import styles from './basics.module.css';

/** The way to earlier and later parts of a list that is shown page by page. */
export function Pager(props: {
  /** What is shown now, e.g. `101 to 200`. */
  readonly shows: string;
  /** Null where there is nothing before. */
  readonly onEarlier: (() => void) | null;
  /** Null where there is nothing after. */
  readonly onLater: (() => void) | null;
}): ReactNode {
  const { shows, onEarlier, onLater } = props;
  return (
    <nav className={styles['pager']} aria-label={en.pager.label}>
      <span aria-live="polite">{shows}</span>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconChevronLeft size={14} aria-hidden />}
        disabled={onEarlier === null}
        onClick={onEarlier ?? undefined}
      >
        {en.pager.earlier}
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        rightSection={<IconChevronRight size={14} aria-hidden />}
        disabled={onLater === null}
        onClick={onLater ?? undefined}
      >
        {en.pager.later}
      </Button>
    </nav>
  );
}
