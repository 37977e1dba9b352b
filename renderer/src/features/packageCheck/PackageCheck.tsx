import { Button, PasswordInput, Tabs, TextInput } from '@mantine/core';
import { IconFile, IconFolder } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import type { PackageSource, PackageVerdict } from '#shared/contract/exports.ts';
import type { InputOf } from '#shared/contract/index.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tellFailure } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { Empty, FailureNote, Note, Page, Panel } from '../../components/Basics.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import { About } from './About.tsx';
import { CertificateFound } from './CertificateFound.tsx';
import { Files } from './Files.tsx';
import { Records } from './Records.tsx';
import { Verdict } from './Verdict.tsx';
import styles from './packageCheck.module.css';

const words = en.packageCheck;

async function chosen(what: 'file' | 'folder'): Promise<string | null> {
  try {
    return what === 'file'
      ? (await call('dialogs.chooseFile', { purpose: 'open' })).file
      : (await call('dialogs.chooseFolder', {})).folder;
  } catch (error) {
    if (error instanceof CallFailed) tellFailure(error);
    return null;
  }
}

/**
 * Checks a package that lies on this computer or a stick, and looks into it. Needs no database, network or
 * profile; who is signed in is told whose key signed it.
 */
export function PackageCheck(props: { readonly signedIn: boolean; readonly action?: ReactNode }): ReactNode {
  const [file, setFile] = useState<string | null>(null);
  const verify = useWrite('packages.verify');
  const certificate = useWrite('certificates.verify');
  const job = useOwnJob(verify.data?.jobId);
  const verdict = verdictOf(job);
  const running = verify.isPending || job?.state === 'running';

  async function choose(what: 'file' | 'folder'): Promise<void> {
    const path = await chosen(what);
    if (path === null) return;
    setFile(path);
    verify.reset();
    certificate.reset();
    if (isCertificate(path)) {
      certificate.mutate({ file: path });
      return;
    }
    // An encrypted one waits for what opens it.
    if (!isEncrypted(path)) verify.mutate({ file: path });
  }

  return (
    <Page
      title={words.title}
      lead={words.lead}
      actions={
        <>
          {props.action}
          <Button
            variant="default"
            leftSection={<IconFile size={16} aria-hidden />}
            onClick={() => void choose('file')}
          >
            {words.chooseFile}
          </Button>
          <Button
            variant="default"
            leftSection={<IconFolder size={16} aria-hidden />}
            onClick={() => void choose('folder')}
          >
            {words.chooseFolder}
          </Button>
        </>
      }
    >
      {file === null ? (
        <Panel label={words.title} className={styles['grow'] ?? ''} flush>
          <Empty centre title={words.nothing} text={words.nothingHint} />
        </Panel>
      ) : (
        <>
          <Panel label={words.opening}>
            <div className={styles['form']}>
              <Opening
                key={file}
                file={file}
                pending={running || certificate.isPending}
                onOpen={({ signer, ...how }) => {
                  const asked = { file, ...(signer === undefined ? {} : { signer }) };
                  if (isCertificate(file)) certificate.mutate(asked);
                  else verify.mutate({ ...asked, ...how });
                }}
              />
              {certificate.error ? <FailureNote failure={certificate.error} /> : null}
              {certificate.data === undefined ? null : <CertificateFound verdict={certificate.data} />}
              {verify.error ? <FailureNote failure={verify.error} /> : null}
              {job === undefined ? null : <Progress job={job} />}
              {verdict === null ? null : <Verdict verdict={verdict} />}
            </div>
          </Panel>
          {verdict !== null && verdict.files > 0 && verify.variables !== undefined ? (
            <Contents
              key={file}
              source={sourceOf(verify.variables)}
              verdict={verdict}
              signedIn={props.signedIn}
            />
          ) : null}
        </>
      )}
    </Page>
  );
}

/** The job of this screen's check, which ends with the screen. */
function useOwnJob(id: string | undefined): Job | undefined {
  const jobs = useRead('jobs.list', {});
  useEffect(
    () =>
      id === undefined
        ? undefined
        : () => {
            void call('jobs.cancel', { id }).catch(() => undefined);
          },
    [id],
  );
  return (jobs.data?.jobs ?? []).find((each) => each.id === id);
}

function verdictOf(job: Job | undefined): PackageVerdict | null {
  // The job's result is that by its kind.
  return job?.state === 'done' ? (job.result as unknown as PackageVerdict) : null;
}

/** How far the check is, and how it ended where it told no verdict. */
function Progress(props: { readonly job: Job }): ReactNode {
  const { job } = props;
  if (job.failure !== null && job.state === 'failed') return <FailureNote failure={job.failure} />;
  return (
    <div role="status">
      {job.state === 'running' ? (
        <JobLine
          job={job}
          onCancel={(id) => {
            void call('jobs.cancel', { id }).catch(() => undefined);
          }}
        />
      ) : job.state === 'cancelled' ? (
        <Note tone="plain">{words.stopped}</Note>
      ) : null}
    </div>
  );
}

/** By its name: a package is never one of these. */
function isCertificate(file: string): boolean {
  return /\.(?:json|html?)$/i.test(file);
}

/** By its name; volumes and their list end otherwise. */
function isEncrypted(file: string): boolean {
  return /\.age(\.\d{3}|\.sha256)?$/.test(file);
}

function sourceOf({ signer: _asked, ...source }: InputOf<'packages.verify'>): PackageSource {
  return source;
}

/** What opens an encrypted package, and whose signature is expected. */
function Opening(props: {
  readonly file: string;
  readonly pending: boolean;
  readonly onOpen: (how: {
    readonly passphrase?: string;
    readonly identityFile?: string;
    readonly signer?: string;
  }) => void;
}): ReactNode {
  const encrypted = isEncrypted(props.file);
  const [passphrase, setPassphrase] = useState('');
  const [identity, setIdentity] = useState<string | null>(null);
  const [signer, setSigner] = useState('');
  const ready = !encrypted || passphrase !== '' || identity !== null;
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (!ready || props.pending) return;
        props.onOpen({
          ...(identity === null ? {} : { identityFile: identity }),
          ...(identity === null && passphrase !== '' ? { passphrase: passphrase.trim() } : {}),
          ...(signer.trim() === '' ? {} : { signer: signer.trim() }),
        });
      }}
    >
      <p className={styles['path']}>{props.file}</p>
      {encrypted ? <p>{words.lockedHint}</p> : null}
      <div className={styles['fields']}>
        {encrypted ? (
          <>
            <PasswordInput
              label={words.passphrase}
              autoComplete="off"
              disabled={identity !== null}
              value={passphrase}
              onChange={(event) => {
                setPassphrase(event.currentTarget.value);
              }}
            />
            <TextInput
              label={words.identity}
              value={identity ?? ''}
              placeholder={words.identityNone}
              readOnly
            />
            <Button
              variant="default"
              onClick={() => {
                void chosen('file').then(setIdentity);
              }}
            >
              {words.chooseIdentity}
            </Button>
          </>
        ) : null}
        <TextInput
          label={words.signer}
          placeholder={words.signerHint}
          spellCheck={false}
          maxLength={200}
          value={signer}
          onChange={(event) => {
            setSigner(event.currentTarget.value);
          }}
        />
        <Button type="submit" disabled={!ready} loading={props.pending} data-autofocus>
          {encrypted ? words.opening : words.again}
        </Button>
      </div>
    </form>
  );
}

const tabs = ['about', 'records', 'files'] as const;

function Contents(props: {
  readonly source: PackageSource;
  readonly verdict: PackageVerdict;
  readonly signedIn: boolean;
}): ReactNode {
  const { source, verdict } = props;
  const screens = {
    about: <About verdict={verdict} signedIn={props.signedIn} />,
    records: <Records source={source} collections={verdict.about.collections} />,
    files: <Files source={source} />,
  };
  return (
    <Tabs defaultValue="about" keepMounted={false} className={styles['tabs'] ?? ''}>
      <Tabs.List>
        {tabs.map((tab) => (
          <Tabs.Tab key={tab} value={tab}>
            {words.tabs[tab]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map((tab) => (
        <Tabs.Panel
          key={tab}
          value={tab}
          className={(tab === 'about' ? styles['scroll'] : styles['fills']) ?? ''}
          tabIndex={tab === 'about' ? 0 : -1}
        >
          {screens[tab]}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
