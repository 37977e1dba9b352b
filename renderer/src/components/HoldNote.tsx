import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { LegalHold } from '#shared/contract/holds.ts';
import { en } from '#shared/strings/en.ts';
import { paths } from '../paths.ts';
import { Day, Note } from './Basics.tsx';

const words = en.holds;

/** The legal holds on a person that are in force, each with its review. */
export function PersonHolds(props: {
  readonly holds: readonly LegalHold[];
  readonly subject: string;
}): ReactNode {
  const found = props.holds.filter((hold) => hold.liftedAt === null && hold.subject === props.subject);
  if (found.length === 0) return null;
  return (
    <Note tone={found.some((hold) => hold.due) ? 'bad' : 'warn'}>
      {found.map((hold) => (
        <div key={hold.id}>
          <Link to={paths.holds}>{words.number(hold.id)}</Link>: {hold.ground}.{' '}
          {hold.due ? words.dueSince : words.reviewed} <Day date={hold.reviewOn} />.
        </div>
      ))}
    </Note>
  );
}

/** Holds whose review is due, for who can set the next. */
export function DueHolds(props: { readonly holds: readonly LegalHold[] }): ReactNode {
  const due = props.holds.filter((hold) => hold.due);
  if (due.length === 0) return null;
  return (
    <div role="status">
      <Note tone="bad">
        <strong>{words.dueNote(due.length)}.</strong> {words.dueHint}{' '}
        <Link to={paths.holds}>{words.show}</Link>
      </Note>
    </div>
  );
}
