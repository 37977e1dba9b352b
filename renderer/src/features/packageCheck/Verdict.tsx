import type { ReactNode } from 'react';
import type { PackageVerdict } from '#shared/contract/exports.ts';
import { en } from '#shared/strings/en.ts';
import { Note } from '../../components/Basics.tsx';
import { formatBytes } from '../../components/format.ts';
import styles from './packageCheck.module.css';

const words = en.packageCheck;

/** Whether the package is as it was made, and where not. */
export function Verdict(props: { readonly verdict: PackageVerdict }): ReactNode {
  const { verdict } = props;
  return (
    <div className={styles['verdict']} role="status">
      {verdict.intact ? (
        <Note tone="good">
          {words.intact(verdict.files, verdict.records, formatBytes(verdict.bytes))}{' '}
          {verdict.signer === null ? words.unsigned : null}
        </Note>
      ) : (
        <Note tone="bad">
          <strong>{words.faults(verdict.faults.length)}</strong>
          <ul className={styles['faults']} tabIndex={0} aria-label={words.faults(verdict.faults.length)}>
            {verdict.faults.map((fault) => (
              <li key={`${fault.path} ${fault.fault}`}>
                {fault.path}: {fault.fault}
              </li>
            ))}
          </ul>
        </Note>
      )}
      {verdict.gaps.length > 0 ? (
        <Note tone="warn">
          <strong>{words.gaps}</strong>
          <ul className={styles['faults']}>
            {verdict.gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </Note>
      ) : null}
    </div>
  );
}
