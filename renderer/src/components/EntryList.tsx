import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { AuditEntry } from '#shared/contract/audit.ts';
import { describeEntry, en } from '#shared/strings/en.ts';
import { Moment, Status, type Tone } from './Basics.tsx';
import styles from './EntryList.module.css';

export const outcomeTones: Readonly<Record<AuditEntry['outcome'], Tone>> = {
  intent: 'info',
  done: 'good',
  refused: 'warn',
  failed: 'bad',
};

/** The state of an entry: its outcome, or that an intent never got one. */
export function EntryOutcome(props: { readonly entry: AuditEntry }): ReactNode {
  const { entry } = props;
  if (entry.outcome === 'intent' && !entry.ended) {
    return (
      <Status tone="warn" title={en.trail.openIntentHint}>
        {en.trail.openIntent}
      </Status>
    );
  }
  return (
    <Status tone={entry.outcome === 'intent' ? 'plain' : outcomeTones[entry.outcome]}>
      {en.trail.outcomes[entry.outcome]}
    </Status>
  );
}

/** An entry as a sentence; the person's reference is never broken over two lines. */
export function EntryWords(props: { readonly entry: AuditEntry }): ReactNode {
  const words = describeEntry(props.entry);
  const { subject } = props.entry;
  if (subject === null) return words;
  const [before = '', ...after] = words.split(subject);
  return (
    <>
      {before}
      <span className={styles['whole']}>{after.length > 0 ? subject : ''}</span>
      {after.join(subject)}
    </>
  );
}

/** Audit entries as a column of sentences, newest first. */
export function EntryList(props: {
  readonly entries: readonly AuditEntry[];
  readonly linkTo: (number: number) => string;
}): ReactNode {
  return (
    <ol className={styles['list']}>
      {props.entries.map((entry) => (
        <li key={entry.number} className={styles['entry']}>
          <p dir="auto">
            <EntryWords entry={entry} />
          </p>
          <p className={styles['meta']}>
            <Moment at={entry.at} />
            <Link to={props.linkTo(entry.number)}>{en.common.entry(entry.number)}</Link>
            {entry.outcome === 'intent' && !entry.ended ? <EntryOutcome entry={entry} /> : null}
          </p>
        </li>
      ))}
    </ol>
  );
}
