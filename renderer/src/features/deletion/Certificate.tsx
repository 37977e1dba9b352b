import { Button } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { OutputOf } from '#shared/contract/index.ts';
import { permits } from '#shared/domain/roles.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { copy, tell, tellFailure } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import {
  Dim,
  Facts,
  FailureNote,
  Hash,
  Loaded,
  Moment,
  Note,
  Panel,
  Reference,
} from '../../components/Basics.tsx';
import { formatDate, formatNumber } from '../../components/format.ts';
import { JudgedFinds, Outcomes } from './FoundAgain.tsx';
import styles from './deletion.module.css';

const words = en.deletion.certificate;

/** The certificate of a finished deletion: a page to read and print, and beneath it the exact text it was read from. */
export function Certificate(props: { readonly planId: number }): ReactNode {
  const read = useRead('erasure.certificate', { planId: props.planId });
  const { saving, save } = useSaving(props.planId);
  const top = useRef<HTMLDivElement>(null);
  // The run ends at the foot of the page; what came of it is at its head.
  useEffect(() => {
    top.current?.parentElement?.scrollTo({ top: 0 });
  }, []);
  return (
    <div ref={top}>
      <h1 className="onPaper printed">{en.company}</h1>
      <Panel
        title={words.title}
        className="printed"
        actions={
          read.data === undefined ? null : (
            <>
              <Button variant="default" size="compact-sm" loading={saving} onClick={() => void save('html')}>
                {words.savePage}
              </Button>
              <Button
                variant="default"
                size="compact-sm"
                onClick={() => {
                  window.print();
                }}
              >
                {words.print}
              </Button>
            </>
          )
        }
      >
        <Loaded read={read} rows={6}>
          {(certificate) => (
            <div className={styles['certificate']}>
              <Readable certificate={certificate} />
              <Signatures planId={props.planId} certificate={certificate} />
              <Exact planId={props.planId} certificate={certificate} />
            </div>
          )}
        </Loaded>
      </Panel>
    </div>
  );
}

function Readable(props: { readonly certificate: OutputOf<'erasure.certificate'> }): ReactNode {
  const { says, sha256, entry } = props.certificate;
  const went = says.steps.filter((step) => step.planned > 0 || step.done > 0 || step.left > 0);
  const untouched = new Set(says.steps.filter((step) => !went.includes(step)).map((step) => step.where));
  for (const step of went) untouched.delete(step.where);
  return (
    <>
      <p className={styles['lead']}>{words.text(says.subject)}</p>
      {says.controller === null ? null : <p className={styles['lead']}>{says.controller}</p>}
      <div className={styles['certified']}>
        <Facts
          facts={[
            [
              words.what,
              <Link key="what" to={paths.request(says.requestId)}>
                {words.ground(says.requestId)}
              </Link>,
            ],
            [en.deletion.person, <Reference key="person" text={says.subject} />],
            [words.started, <Moment key="started" at={says.started} />],
            [words.finished, <Moment key="finished" at={says.finished} />],
            [words.planned, says.planned],
            [words.approved, says.approved.join(', ')],
            [words.ran, says.ran],
          ]}
        />
        <Facts
          facts={[
            [words.plan, <Hash key="plan" text={says.plan} />],
            [words.map, <Hash key="map" text={says.map} />],
            [words.sha256, <Hash key="sha256" text={sha256} />],
            [
              words.committed,
              <Link key="entry" to={paths.entry(entry)}>
                {en.common.entry(entry)}
              </Link>,
            ],
          ]}
        />
      </div>
      <section className={styles['part']}>
        <h3>{en.deletion.again.outcomes}</h3>
        <Outcomes outcomes={says.outcomes} />
      </section>
      <section className={styles['part']}>
        <h3>{words.went}</h3>
        <table className={styles['table']}>
          <thead>
            <tr>
              <th scope="col">{words.wentColumns.what}</th>
              <th scope="col">{words.wentColumns.where}</th>
              <th scope="col">{words.wentColumns.how}</th>
              <th scope="col" className={styles['number']}>
                {words.wentColumns.planned}
              </th>
              <th scope="col" className={styles['number']}>
                {words.wentColumns.done}
              </th>
              <th scope="col" className={styles['number']}>
                {words.wentColumns.left}
              </th>
            </tr>
          </thead>
          <tbody>
            {went.map((step) => (
              <tr key={`${step.where} ${step.action}`}>
                <th scope="row">{step.title}</th>
                <td className={styles['place']}>{step.where}</td>
                <td>{en.deletion.action[step.action]}</td>
                <td className={styles['number']}>{formatNumber(step.planned)}</td>
                <td className={styles['number']}>{formatNumber(step.done)}</td>
                <td className={styles['number']}>{formatNumber(step.left)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {untouched.size === 0 ? null : (
          <p>
            <Dim>
              {words.untouched}: {[...untouched].join(', ')}
            </Dim>
          </p>
        )}
        <p>
          <Dim>{words.uploads(says.uploads)}</Dim>
        </p>
      </section>
      {says.tasks.length === 0 ? null : (
        <section className={styles['part']}>
          <h3>{words.tasks}</h3>
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">{words.tasksColumns.what}</th>
                <th scope="col">{words.tasksColumns.owner}</th>
                <th scope="col">{words.tasksColumns.done}</th>
                <th scope="col">{words.tasksColumns.entry}</th>
              </tr>
            </thead>
            <tbody>
              {says.tasks.map((task) => (
                <tr key={task.entry}>
                  <th scope="row">{task.title}</th>
                  <td>{`${task.owner} (${task.by})`}</td>
                  <td>
                    <Moment at={task.done} />
                  </td>
                  <td>
                    <Link to={paths.entry(task.entry)}>{en.common.entry(task.entry)}</Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <section className={styles['part']}>
        <h3>{words.kept}</h3>
        {says.kept.length === 0 ? (
          <p>{words.nothingKept}</p>
        ) : (
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">{words.wentColumns.what}</th>
                <th scope="col">{words.wentColumns.where}</th>
                <th scope="col">{words.keptColumns.because}</th>
                <th scope="col">{words.keptColumns.until}</th>
                <th scope="col" className={styles['number']}>
                  {words.keptColumns.rows}
                </th>
              </tr>
            </thead>
            <tbody>
              {says.kept.map((line) => (
                <tr key={line.where}>
                  <th scope="row">{line.title}</th>
                  <td className={styles['place']}>{line.where}</td>
                  <td>{line.because ?? en.common.nothing}</td>
                  <td>{line.until === null ? en.common.nothing : formatDate(line.until)}</td>
                  <td className={styles['number']}>{formatNumber(line.rows)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      {says.finds.length === 0 ? null : (
        <section className={styles['part']}>
          <h3>{en.deletion.again.title}</h3>
          <JudgedFinds finds={says.finds} />
        </section>
      )}
      <section className={styles['part']}>
        <h3>{words.entries}</h3>
        <p>
          {says.entries.map((number, index) => (
            <span key={number}>
              {index === 0 ? '' : ', '}
              <Link to={paths.entry(number)}>{formatNumber(number)}</Link>
            </span>
          ))}{' '}
          <Dim>{words.entriesHint}</Dim>
        </p>
      </section>
      <section className={styles['part']}>
        <h3>{words.remains}</h3>
        <ul className={styles['remaining']}>
          {[...words.remainingFacts(says.remains, formatDate), ...words.remaining].map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </section>
    </>
  );
}

/** Who signed it, and whether the signatures are right; who runs deletions and hasn't yet can sign it too. */
function Signatures(props: {
  readonly planId: number;
  readonly certificate: OutputOf<'erasure.certificate'>;
}): ReactNode {
  const { planId, certificate } = props;
  const session = useSession();
  const sign = useWrite('erasure.signCertificate');
  const { signatures } = certificate;
  const mayStill =
    permits(['operator'], session.roles) && signatures.every((each) => each.login !== session.login);
  return (
    <section className={styles['part']}>
      <h3>{words.signatures}</h3>
      {signatures.length === 0 ? (
        <Note tone="warn">{words.unsigned}</Note>
      ) : (
        <>
          <Facts
            facts={signatures.map((each) => [
              words.signedBy(each.person, each.login),
              <span key={each.fingerprint}>
                <Hash text={each.fingerprint} /> <Moment at={each.at} />
                {each.right ? null : <Note tone="bad">{words.wrong}</Note>}
                {each.retired ? <Dim> {words.retired}</Dim> : null}
              </span>,
            ])}
          />
          <Dim>{words.signaturesHint}</Dim>
        </>
      )}
      {mayStill ? (
        <div className={styles['buttons']}>
          <Button
            variant="default"
            loading={sign.isPending}
            onClick={() => {
              sign.mutate(
                { planId },
                {
                  onSuccess: () => {
                    tell(words.signed);
                  },
                },
              );
            }}
          >
            {words.sign}
          </Button>
        </div>
      ) : null}
      {sign.error ? <FailureNote failure={sign.error} /> : null}
    </section>
  );
}

/** Writes the certificate where somebody chooses. */
function useSaving(planId: number): {
  readonly saving: boolean;
  readonly save: (ending: 'html' | 'json') => Promise<void>;
} {
  const [saving, setSaving] = useState(false);

  async function save(ending: 'html' | 'json'): Promise<void> {
    setSaving(true);
    try {
      const suggested = words.filename(planId, ending);
      const { file } = await call('dialogs.chooseFile', { purpose: 'save', suggested });
      if (file !== null) {
        const saved = await call('erasure.saveCertificate', { planId, file });
        tell(words.saved(saved.file));
      }
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    } finally {
      setSaving(false);
    }
  }
  return { saving, save };
}

/** The canonical text, byte for byte; folded away until somebody wants to check it. */
function Exact(props: {
  readonly planId: number;
  readonly certificate: OutputOf<'erasure.certificate'>;
}): ReactNode {
  const { planId, certificate } = props;
  const { saving, save } = useSaving(planId);
  return (
    <details className={styles['exact']}>
      <summary>{words.exact}</summary>
      <Dim>{words.exactHint}</Dim>
      <pre tabIndex={0} aria-label={words.exact}>
        {certificate.text}
      </pre>
      <div className={styles['buttons']}>
        <Button
          variant="default"
          onClick={() => {
            copy(certificate.text);
          }}
        >
          {words.copyText}
        </Button>
        <Button variant="default" loading={saving} onClick={() => void save('json')}>
          {words.saveDocument}
        </Button>
      </div>
    </details>
  );
}
