import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { ExportRelease } from '#shared/contract/exports.ts';
import type { RequestRow } from '#shared/contract/requests.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import { Dim, Facts, FailureNote, Moment, Note, Panel, Status } from '../../components/Basics.tsx';
import { Decision } from '../../components/Decision.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { releaseTones } from '../../components/tones.ts';
import styles from './exportPage.module.css';

const words = en.release;

/**
 * What the data map doesn't cover, when that stops this request's export: one
 * person asks to let it go in spite of exactly these gaps, another decides.
 * Shows nothing where the map covers the database and nothing was ever asked.
 */
export function Release(props: { readonly request: RequestRow }): ReactNode {
  const { request } = props;
  const read = useRead('exports.releases', { requestId: request.id }, { every: 30_000 });
  // A check of the whole map: asked when the page is opened, and again when the database refused an export for a gap.
  const gaps = useRead('map.gaps', {}, { every: 30_000 }).data?.gaps ?? [];
  const [latest] = read.data?.releases ?? [];
  if (gaps.length === 0 && latest === undefined) return null;
  const open = request.closedAt === null && request.subject !== null;
  const stands = latest?.state === 'asked' || latest?.state === 'approved';
  return (
    <Panel title={words.title}>
      <div className={styles['form']}>
        {gaps.length > 0 ? (
          <>
            <Note tone="warn">{words.stops}</Note>
            <Gaps gaps={gaps} />
          </>
        ) : null}
        {latest === undefined ? null : <Standing release={latest} />}
        {latest?.state === 'asked' ? <Decide release={latest} /> : null}
        {gaps.length > 0 && open && !stands ? <Ask request={request} gaps={gaps} /> : null}
      </div>
    </Panel>
  );
}

function Gaps(props: { readonly gaps: readonly string[] }): ReactNode {
  return (
    <ul className={styles['list']} aria-label={words.gaps}>
      {props.gaps.map((gap) => (
        <li key={gap}>
          <span className={styles['folder']}>{gap}</span>
        </li>
      ))}
    </ul>
  );
}

function Standing(props: { readonly release: ExportRelease }): ReactNode {
  const { release } = props;
  return (
    <>
      <div>
        <Status tone={releaseTones[release.state]}>{words.state[release.state]}</Status>
      </div>
      <Facts
        facts={[
          [
            words.askedBy,
            <span key="asked">
              {release.askedBy}, <Moment at={release.askedAt} />
            </span>,
          ],
          release.reason === null ? null : [words.reason, release.reason],
          release.decidedBy === null || release.decidedAt === null
            ? null
            : [
                words.decidedBy,
                <span key="decided">
                  {release.decidedBy}, <Moment at={release.decidedAt} />
                </span>,
              ],
          release.state !== 'approved' || release.expiresAt === null
            ? null
            : [en.deletion.validUntil, <Moment key="until" at={release.expiresAt} />],
        ]}
      />
      {release.state === 'asked' ? <Gaps gaps={release.gaps} /> : null}
    </>
  );
}

function Ask(props: { readonly request: RequestRow; readonly gaps: readonly string[] }): ReactNode {
  const { request, gaps } = props;
  const may = useMay(['operator']);
  const [reason, setReason] = useState('');
  const ask = useWrite('exports.askRelease', ({ entry }) => {
    setReason('');
    tell(words.asked, entry);
  });
  if (!may) return <Dim>{words.operatorAsks}</Dim>;
  return (
    <>
      <p>
        <Dim>{words.askText}</Dim>
      </p>
      <Reason label={words.why} hint={en.deletion.reasonHint} value={reason} onChange={setReason} />
      {ask.error ? <FailureNote failure={ask.error} /> : null}
      <div>
        <Button
          variant="default"
          disabled={!isReason(reason)}
          loading={ask.isPending}
          onClick={() => {
            ask.mutate({ requestId: request.id, gaps: [...gaps], reason: reason.trim() });
          }}
        >
          {words.ask}
        </Button>
      </div>
    </>
  );
}

function Decide(props: { readonly release: ExportRelease }): ReactNode {
  const { release } = props;
  const session = useSession();
  const may = useMay(['approver']);
  const password = usePasswordAgain();
  const decide = useWrite('exports.decideRelease', ({ entry }) => {
    password.change('');
    tell(words.decided, entry);
  });
  if (!may || release.askedBy === session.login) return <Dim>{words.approverDecides}</Dim>;
  const { why, approve, deny } = words;
  return (
    <Decision
      words={{ why, hint: en.deletion.reasonHint, approve, deny }}
      password={password}
      failure={decide.error}
      sending={decide.isPending ? decide.variables.decision : null}
      onDecide={(decision, reason) => {
        decide.mutate({ releaseId: release.id, decision, reason, ...password.sent });
      }}
    />
  );
}
