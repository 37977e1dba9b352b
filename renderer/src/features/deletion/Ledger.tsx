import { Button, TextInput } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { Replay } from '#shared/contract/erasure.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import {
  Dim,
  Empty,
  FailureNote,
  Loaded,
  Moment,
  Note,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import { replayTones } from '../../components/tones.ts';
import { paths } from '../../paths.ts';
import styles from './deletion.module.css';

const words = en.deletion.ledger;

/** What of the deletions is not in a saved ledger, where it matters; leads to the ledger. */
export function LedgerNote(): ReactNode {
  const { data } = useRead('erasure.ledger', {}, { every: 60_000 });
  if (data === undefined || data.since === 0) return null;
  return (
    <Note tone="warn">
      {data.savedAt === null ? `${words.never} ` : null}
      {words.since(data.since)} <Link to={paths.ledger}>{words.title}</Link>
    </Note>
  );
}

async function chosenFile(purpose: 'open' | 'save'): Promise<string | null> {
  try {
    const asked = purpose === 'save' ? { purpose, suggested: words.filename } : { purpose };
    return (await call('dialogs.chooseFile', asked)).file;
  } catch (error) {
    if (error instanceof CallFailed) tellFailure(error);
    return null;
  }
}

/** The ledger of deletions: when it was saved, and who of it came back with a restored backup. */
export function Ledger(): ReactNode {
  const state = useRead('erasure.ledger', {});
  const replays = useRead('erasure.replays', {});
  const works = useMay(['operator']);
  return (
    <Page title={words.title} lead={<Link to={paths.deletions}>{en.deletion.listTitle}</Link>} scrolls>
      <Panel title={words.saving}>
        <Loaded read={state} rows={2}>
          {(data) => <Saved state={data} works={works} />}
        </Loaded>
      </Panel>
      {works ? <Check /> : null}
      <Loaded read={replays} rows={4}>
        {({ replays: all }) => {
          const [last] = all;
          return last === undefined ? null : <LastReplay replay={last} />;
        }}
      </Loaded>
    </Page>
  );
}

function Saved(props: { readonly state: OutputOf<'erasure.ledger'>; readonly works: boolean }): ReactNode {
  const { state } = props;
  const save = useWrite('erasure.saveLedger', ({ file, count, added, entry }) => {
    tell(words.told(file, count, added), entry);
  });
  return (
    <div className={styles['form']}>
      <p>{words.text}</p>
      <p>
        {state.savedAt === null ? (
          words.never
        ) : (
          <>
            {words.savedAt} <Moment at={state.savedAt} /> {words.saved(state.savedBy ?? '', state.count ?? 0)}
          </>
        )}
      </p>
      {state.since === 0 ? null : <Note tone="warn">{words.since(state.since)}</Note>}
      {save.error ? <FailureNote failure={save.error} /> : null}
      {props.works ? (
        <div className={styles['buttons']}>
          <Button
            variant="default"
            loading={save.isPending}
            onClick={() => {
              void chosenFile('save').then((file) => {
                // What is there already is added to, never written over.
                if (file !== null) save.mutate({ file, append: true });
              });
            }}
          >
            {words.save}
          </Button>
          <Dim>{words.saveHint}</Dim>
        </div>
      ) : null}
    </div>
  );
}

/** Chooses a ledger and holds it against the platform. */
function Check(): ReactNode {
  const [file, setFile] = useState<string | null>(null);
  const [signer, setSigner] = useState('');
  const check = useWrite('erasure.replayLedger');
  const jobs = useRead('jobs.list', {});
  const job = (jobs.data?.jobs ?? []).find((each) => each.id === check.data?.jobId);
  const given = signer.trim();
  return (
    <Panel title={words.check}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (file !== null) check.mutate({ file, ...(given === '' ? {} : { signer: given }) });
        }}
      >
        <p>{words.checkText}</p>
        <div className={styles['buttons']}>
          <Button
            variant="default"
            onClick={() => {
              void chosenFile('open').then((chosen) => {
                if (chosen === null) return;
                setFile(chosen);
                check.reset();
              });
            }}
          >
            {words.choose}
          </Button>
          {file === null ? null : <span className={styles['place']}>{file}</span>}
        </div>
        <TextInput
          label={words.signer}
          description={words.signerHint}
          value={signer}
          maxLength={200}
          maw={560}
          autoComplete="off"
          onChange={(event) => {
            setSigner(event.currentTarget.value);
          }}
        />
        {check.error ? <FailureNote failure={check.error} /> : null}
        {job === undefined || job.state === 'done' ? null : (
          <JobLine
            job={job}
            onCancel={(id) => {
              void call('jobs.cancel', { id }).catch(() => undefined);
            }}
          />
        )}
        <div className={styles['buttons']}>
          <Button
            type="submit"
            variant={file === null ? 'default' : 'filled'}
            disabled={file === null}
            loading={check.isPending || job?.state === 'running'}
          >
            {words.check}
          </Button>
        </div>
      </form>
    </Panel>
  );
}

/** What the last check found; who came back leads to the request. */
function LastReplay(props: { readonly replay: Replay }): ReactNode {
  const { replay } = props;
  const told = useRead('erasure.replays', { replay: replay.id }, { enabled: replay.state === 'done' });
  const found = told.data?.replays[0]?.found ?? replay.found;
  useEffect(() => {
    document.getElementById('last-replay')?.scrollIntoView({ block: 'nearest' });
  }, [replay.id]);
  return (
    <Panel title={words.last}>
      <div className={styles['form']} id="last-replay" role="status">
        <Dim>
          <Moment at={replay.startedAt} />, {words.checkedBy(replay.by)}{' '}
          {words.counts(replay.count, replay.searched)}{' '}
          <Link to={paths.entry(replay.entry)}>{en.common.entry(replay.entry)}</Link>
        </Dim>
        {replay.state === 'done' ? (
          <Note tone={replay.cameBack > 0 ? 'warn' : 'good'}>{words.came(replay.cameBack)}</Note>
        ) : replay.state === 'failed' ? (
          <Note tone="bad">{words.unfinished}</Note>
        ) : null}
        {replay.behind === 0 ? null : <Note tone="bad">{words.behind(replay.behind)}</Note>}
        {replay.named ? <Note>{words.named(replay.signer)}</Note> : null}
        {found.length === 0 ? (
          replay.state === 'done' ? (
            <Empty title={words.none} />
          ) : null
        ) : (
          <Found found={found} />
        )}
      </div>
    </Panel>
  );
}

function Found(props: { readonly found: Replay['found'] }): ReactNode {
  return (
    <table className={styles['table']}>
      <thead>
        <tr>
          <th scope="col">{words.columns.was}</th>
          <th scope="col">{words.columns.erased}</th>
          <th scope="col">{words.columns.outcome}</th>
          <th scope="col">{words.columns.who}</th>
          <th scope="col">{words.columns.request}</th>
        </tr>
      </thead>
      <tbody>
        {props.found.map((each) => (
          <tr key={each.number}>
            <th scope="row">
              <Reference text={each.was} />
            </th>
            <td>
              <Moment at={each.erasedAt} />
            </td>
            <td>
              <Status tone={replayTones[each.outcome]}>{words.outcome[each.outcome]}</Status>
            </td>
            <td>{each.subject === null ? en.common.nothing : <Reference text={each.subject} />}</td>
            <td>
              {each.request === null ? (
                en.common.nothing
              ) : (
                <Link to={paths.request(each.request)}>{en.common.request(each.request)}</Link>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
