import type { ReactNode } from 'react';
import type { CertificateVerdict } from '#shared/contract/erasure.ts';
import { en } from '#shared/strings/en.ts';
import { Facts, Hash, Moment, Note, Panel, Reference } from '../../components/Basics.tsx';
import { formatNumber } from '../../components/format.ts';
import styles from './packageCheck.module.css';

const words = en.packageCheck.certificate;
const its = en.deletion.certificate;

/** What the check of a certificate of deletion found, and what the signed text says in short. */
export function CertificateFound(props: { readonly verdict: CertificateVerdict }): ReactNode {
  const { intact, faults, says, sha256, signers } = props.verdict;
  const gone = (says?.steps ?? []).filter((step) => step.done > 0);
  return (
    <>
      <div className={styles['verdict']} role="status">
        {intact ? (
          <Note tone="good">{words.intact(signers.join(', '))}</Note>
        ) : (
          <Note tone="bad">
            <strong>{en.packageCheck.faults(faults.length)}</strong>
            <ul className={styles['faults']} tabIndex={0} aria-label={en.packageCheck.faults(faults.length)}>
              {faults.map((fault) => (
                <li key={`${fault.kind} ${fault.says}`}>{fault.says}</li>
              ))}
            </ul>
          </Note>
        )}
      </div>
      {says === null ? null : (
        <Panel title={its.title}>
          <Facts
            facts={[
              [en.deletion.person, <Reference key="person" text={says.subject} />],
              [its.what, its.ground(says.requestId)],
              [words.received, says.received],
              [its.started, <Moment key="started" at={says.started} />],
              [its.finished, <Moment key="finished" at={says.finished} />],
              [its.planned, says.planned],
              [its.approved, says.approved.join(', ')],
              [its.ran, says.ran],
              [its.went, gone.map((step) => `${step.title}: ${formatNumber(step.done)}`).join(', ')],
              [
                its.kept,
                says.kept.length === 0
                  ? its.nothingKept
                  : says.kept.map((line) => `${line.title}: ${formatNumber(line.rows)}`).join(', '),
              ],
              [its.plan, <Hash key="plan" text={says.plan} />],
              [its.sha256, <Hash key="sha256" text={sha256 ?? ''} />],
            ]}
          />
        </Panel>
      )}
    </>
  );
}
