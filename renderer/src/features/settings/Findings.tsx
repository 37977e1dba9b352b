import type { ReactNode } from 'react';
import type { Finding } from '#shared/contract/administration.ts';
import { en } from '#shared/strings/en.ts';
import { Status } from '../../components/Basics.tsx';
import styles from './settings.module.css';

/** What a check found, the blocking ones first. */
export function Findings(props: { readonly findings: readonly Finding[] }): ReactNode {
  const sorted = [...props.findings].sort((a, b) => Number(b.blocks) - Number(a.blocks));
  return (
    <ul className={styles['findings']}>
      {sorted.map((finding) => (
        <li key={`${finding.what} ${finding.detail}`} className={styles['finding']}>
          <strong>{finding.what}</strong>
          <span>{finding.detail}</span>
          <Status tone={finding.blocks ? 'bad' : 'plain'}>
            {finding.blocks ? en.settings.map.blocks : en.settings.map.note}
          </Status>
        </li>
      ))}
    </ul>
  );
}
