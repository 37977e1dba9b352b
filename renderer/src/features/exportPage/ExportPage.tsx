import { Button, SegmentedControl } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import type { PackageForm, PageLanguage } from '#shared/contract/exports.ts';
import type { RequestRow } from '#shared/contract/requests.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { copy, tell, tellFailure } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, useSession } from '../../client/session.ts';
import {
  Controller,
  Dim,
  Empty,
  Facts,
  FailureNote,
  Hash,
  Loaded,
  Note,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import { formatBytes, formatNumber } from '../../components/format.ts';
import { useKeys } from '../../components/keys.ts';
import { Choice } from './Choice.tsx';
import { asInput, chosenFor, lacksReason, type Chosen } from './chosen.ts';
import { Contents } from './Contents.tsx';
import { Interrupted } from './Interrupted.tsx';
import { exportColumns } from './exportColumns.tsx';
import { asProtection, lacksKeys, Passphrase, Protection, type Protected } from './Protection.tsx';
import { useOpenReview, type OpenReview } from './openReview.ts';
import { Redactions } from './Redact.tsx';
import { Release } from './Release.tsx';
import { Review } from './Review.tsx';
import styles from './exportPage.module.css';

/** The package of one request: what goes in, where to, how far, and whether it is whole. */
export function ExportPage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead('requests.show', { id });
  return (
    <Loaded read={read} rows={8} page={en.exportPage.titleFor(id)}>
      {({ request }) => <ForRequest key={request.id} request={request} />}
    </Loaded>
  );
}

function ForRequest(props: { readonly request: RequestRow }): ReactNode {
  const { request } = props;
  const packages = useRead('exports.list', { requestId: request.id });
  const [chosen, setChosen] = useState<Chosen>(() => chosenFor(request.kind));
  const review = useOpenReview();
  const navigate = useNavigate();
  const session = useSession();
  const redactions = useRead('reviews.redactions', { requestId: request.id });
  return (
    <Page
      title={en.exportPage.titleFor(request.id)}
      lead={
        <>
          <Link to={paths.request(request.id)}>
            {en.common.request(request.id)}, {en.request.kind[request.kind].toLowerCase()}
          </Link>
          {request.subject === null ? null : (
            <>
              {' · '}
              <Link to={paths.person(request.subject, request.id)}>{request.subject}</Link>
            </>
          )}
        </>
      }
      scrolls
    >
      <Controller says={request.controller} />
      <div className={styles['columns']}>
        {review.exportId === null ? (
          <Contents kind={request.subjectKind} chosen={chosen} onChange={setChosen} />
        ) : (
          <Review
            exportId={review.exportId}
            requestId={request.id}
            redactions={redactions.data?.redactions ?? []}
            hasFiles={session.objectStore}
            onLeave={review.leave}
          />
        )}
        <Make request={request} chosen={chosen} onChange={setChosen} review={review} />
      </div>
      <Redactions requestId={request.id} open={request.closedAt === null} />
      <Panel title={en.exportPage.past} flush>
        <Loaded read={packages} rows={2}>
          {({ exports }) =>
            exports.length === 0 ? (
              <Empty title={en.exportPage.pastEmpty} />
            ) : (
              <DataTable
                label={en.exportPage.past}
                columns={exportColumns}
                rows={exports}
                rowKey={(row) => String(row.id)}
                grows
                onOpen={(row) => void navigate(paths.deliveryOf(row.id))}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}

function Make(props: {
  readonly request: RequestRow;
  readonly chosen: Chosen;
  readonly onChange: (chosen: Chosen) => void;
  /** Where one is open, the package is what it shows. */
  readonly review: OpenReview;
}): ReactNode {
  const { request, chosen, onChange, review } = props;
  const works = useMay(['operator']);
  const [folder, setFolder] = useState<string | null>(null);
  const [form, setForm] = useState<PackageForm>('zip');
  const [language, setLanguage] = useState<PageLanguage>('en');
  const [protection, setProtection] = useState<Protected>({ kind: 'passphrase', recipients: '' });
  const jobs = useRead('jobs.list', {});
  // The last that was begun, and what it told once.
  const [begun, setBegun] = useState<{ readonly jobId: string; readonly passphrase: string | null } | null>(
    null,
  );
  const packages = useRead('exports.list', { requestId: request.id });
  const start = useWrite('exports.start', (told) => {
    tell(en.exportPage.started, told.entry);
    setBegun(told);
    review.written();
  });
  const resume = useWrite('exports.resume', (told) => {
    tell(en.exportPage.resumed, told.entry);
    setBegun(told);
  });
  const open = useWrite('reviews.open', ({ exportId, entry }) => {
    tell(en.review.opened, entry);
    review.opened(exportId);
  });
  const own = (jobs.data?.jobs ?? []).filter((job) => job.kind === 'export' && job.requestId === request.id);
  const job = own.find((one) => one.id === begun?.jobId) ?? own[0];
  const left = packages.data?.exports.find((one) => one.kept !== null);
  const running = job !== undefined && isUnderWay(job);
  const holdsSomething =
    works && request.closedAt === null && request.subject !== null && !running && !lacksReason(chosen);
  const possible = holdsSomething && (form === 'folder' || !lacksKeys(protection));

  async function choose(): Promise<void> {
    try {
      const { folder: chosen } = await call('dialogs.chooseFolder', {});
      if (chosen !== null) setFolder(chosen);
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }

  function begin(): void {
    if (!possible || folder === null || start.isPending) return;
    const { exportId } = review;
    review.beginWriting();
    start.mutate(
      {
        requestId: request.id,
        folder,
        form,
        language,
        ...(exportId === null ? asInput(chosen) : { reviewed: exportId }),
        protection: asProtection(form === 'folder' ? { ...protection, kind: 'none' } : protection),
      },
      {
        onError: () => {
          if (exportId !== null) review.opened(exportId);
        },
      },
    );
  }

  useKeys({ 'Ctrl+Enter': begin });
  return (
    <div className={styles['stack']}>
      {works && left !== undefined && left.kept !== null && !running ? (
        <Interrupted
          key={left.id}
          row={left}
          kept={left.kept}
          pending={resume.isPending}
          failure={resume.error}
          onResume={(input) => {
            resume.mutate(input);
          }}
        />
      ) : null}
      {works && request.subject !== null && request.closedAt === null ? (
        <Panel title={en.exportPage.purpose}>
          {review.exportId === null ? (
            <div className={styles['form']}>
              <Choice kind={request.subjectKind} chosen={chosen} onChange={onChange} />
              {open.error ? <FailureNote failure={open.error} /> : null}
              <div>
                <Button
                  variant="default"
                  disabled={!holdsSomething}
                  loading={open.isPending}
                  onClick={() => {
                    open.mutate({ requestId: request.id, ...asInput(chosen) });
                  }}
                >
                  {en.review.open}
                </Button>
              </div>
            </div>
          ) : (
            <>
              <strong>{en.exportPage.profile[chosen.profile]}</strong>
              <p>
                <Dim>{en.review.thisIsWritten}</Dim>
              </p>
            </>
          )}
        </Panel>
      ) : null}
      {works ? (
        <Panel title={en.exportPage.destination}>
          {request.subject === null ? (
            <Note tone="warn">{en.exportPage.noPerson}</Note>
          ) : request.closedAt !== null ? (
            <Note tone="warn">{en.exportPage.closed}</Note>
          ) : (
            <div className={styles['form']}>
              <div className={styles['row']}>
                <span className={styles['folder']}>{folder ?? <Dim>{en.exportPage.noFolder}</Dim>}</span>
                <Button variant="default" onClick={() => void choose()}>
                  {en.exportPage.choose}
                </Button>
              </div>
              <div className={styles['choices']}>
                <SegmentedControl
                  aria-label={en.exportPage.form}
                  value={form}
                  onChange={setForm}
                  data={[
                    { value: 'zip', label: en.exportPage.forms.zip },
                    { value: 'folder', label: en.exportPage.forms.folder },
                  ]}
                />
                <SegmentedControl
                  aria-label={en.exportPage.language}
                  value={language}
                  onChange={setLanguage}
                  data={[
                    { value: 'en', label: en.exportPage.languages.en },
                    { value: 'hi', label: en.exportPage.languages.hi },
                  ]}
                />
              </div>
              {form === 'folder' ? (
                <Note>{en.exportPage.protection.folder}</Note>
              ) : (
                <Protection chosen={protection} onChange={setProtection} />
              )}
              {start.error ? <FailureNote failure={start.error} /> : null}
              <div>
                <Button disabled={!possible || folder === null} loading={start.isPending} onClick={begin}>
                  {en.exportPage.start}
                </Button>
              </div>
            </div>
          )}
        </Panel>
      ) : null}
      <Release request={request} />
      {begun?.passphrase && job?.id === begun.jobId && (running || job.state === 'done') ? (
        <Passphrase text={begun.passphrase} />
      ) : null}
      {job ? <JobPanel job={job} kept={left !== undefined} /> : null}
    </div>
  );
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function figure(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function JobPanel(props: {
  readonly job: Job;
  /** Whether what it has read is kept, so that it can go on. */
  readonly kept: boolean;
}): ReactNode {
  const { job } = props;
  if (isUnderWay(job)) {
    return (
      <Panel title={en.exportPage.running}>
        <JobLine
          job={job}
          onCancel={(id) => {
            void call('jobs.cancel', { id }).catch(() => undefined);
          }}
        />
      </Panel>
    );
  }
  if (job.state === 'cancelled') {
    return (
      <Panel title={en.job.state.cancelled}>
        <p>{en.exportPage.cancelled}</p>
      </Panel>
    );
  }
  if (job.state === 'failed' || job.result === null) {
    return (
      <Panel title={en.exportPage.failed}>
        {job.failure ? <FailureNote failure={job.failure} /> : null}
        <p style={{ marginTop: 8 }}>
          <Dim>{props.kept ? en.exportPage.interrupted : en.exportPage.failedText}</Dim>
        </p>
      </Panel>
    );
  }
  const file = text(job.result['file']);
  const sha256 = text(job.result['sha256']);
  const rows = figure(job.result['rows']);
  const files = figure(job.result['files']);
  const bytes = figure(job.result['bytes']);
  const exportId = figure(job.result['exportId']);
  return (
    <Panel title={en.exportPage.done} actions={<Status tone="good">{en.request.exportState.done}</Status>}>
      <Facts
        facts={[
          file === null ? null : [en.exportPage.file, <Reference key="file" text={file} onCopy={copy} />],
          [en.exportPage.signer, text(job.result['signer']) ?? en.exportPage.unsigned],
          sha256 === null ? null : [en.exportPage.sha256, <Hash key="sha256" text={sha256} />],
          rows === null ? null : [en.exportPage.rows, formatNumber(rows)],
          files === null ? null : [en.exportPage.filesCount, formatNumber(files)],
          bytes === null ? null : [en.exportPage.size, formatBytes(bytes)],
        ]}
      />
      <p style={{ marginTop: 8 }}>
        <Dim>{en.exportPage.doneText}</Dim>
      </p>
      {exportId === null ? null : (
        <p style={{ marginTop: 8 }}>
          <Link to={paths.deliveryOf(exportId)}>{en.delivery.openOf(exportId)}</Link>
        </p>
      )}
    </Panel>
  );
}
