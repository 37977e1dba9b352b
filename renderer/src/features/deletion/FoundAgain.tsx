import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { ErasureFind, ErasureOutcome, ErasurePlan } from '#shared/contract/erasure.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { useMay, useSession } from '../../client/session.ts';
import { FailureNote, Note, Panel, Status } from '../../components/Basics.tsx';
import { formatDate, formatNumber } from '../../components/format.ts';
import { isReason, Reason } from '../../components/Reason.tsx';
import { paths } from '../../paths.ts';
import { outcomeTones } from '../../components/tones.ts';
import styles from './deletion.module.css';

const words = en.deletion.again;

/** Where a run found its person again; who neither planned nor ran it says here why something stays. */
export function FoundAgain(props: { readonly plan: ErasurePlan }): ReactNode {
  const { plan } = props;
  const session = useSession();
  const approves = useMay(['approver']);
  const [judging, setJudging] = useState<ErasureFind | null>(null);
  const finds = plan.run?.finds ?? [];
  if (plan.state !== 'running' || finds.length === 0) return null;
  const own = [plan.plannedBy, plan.run?.by].includes(session.login);
  const open = finds.filter((find) => find.rows > 0 && find.because === null);
  return (
    <Panel title={words.title} flush>
      {open.length === 0 ? null : (
        <div style={{ padding: '8px 16px' }}>
          <Note tone="warn">{own ? words.own : words.text}</Note>
        </div>
      )}
      <ul className={styles['lines']}>
        {finds.map((find) => (
          <li key={find.name} className={styles['line']}>
            <span>{words.place(find.title, find.column)}</span>
            {find.rows === 0 || find.because !== null ? (
              <Status tone="plain">{words.stays}</Status>
            ) : approves && !own ? (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={words.judgeTitle(words.place(find.title, find.column))}
                onClick={() => {
                  setJudging(find);
                }}
              >
                {words.judge}
              </Button>
            ) : (
              <Status tone="bad">{words.open}</Status>
            )}
            <span className={styles['what']}>{words.says(find)}</span>
          </li>
        ))}
      </ul>
      <Modal
        opened={judging !== null}
        onClose={() => {
          setJudging(null);
        }}
        title={judging === null ? '' : words.judgeTitle(words.place(judging.title, judging.column))}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {judging === null ? null : (
          <Judge
            planId={plan.id}
            find={judging}
            onDone={() => {
              setJudging(null);
            }}
          />
        )}
      </Modal>
    </Panel>
  );
}

function Judge(props: {
  readonly planId: number;
  readonly find: ErasureFind;
  readonly onDone: () => void;
}): ReactNode {
  const [because, setBecause] = useState('');
  const judge = useWrite('erasure.judge', ({ entry }) => {
    tell(words.told, entry);
    props.onDone();
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        judge.mutate({ planId: props.planId, find: props.find.name, because: because.trim() });
      }}
    >
      <p>{words.rows(formatNumber(props.find.rows))}</p>
      <Reason first label={words.why} hint={words.whyHint} value={because} onChange={setBecause} />
      {judge.error ? <FailureNote failure={judge.error} /> : null}
      <div className={styles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(because)} loading={judge.isPending}>
          {words.judge}
        </Button>
      </div>
    </form>
  );
}

/** What came of each kind of data, in the order of the map. */
export function Outcomes(props: { readonly outcomes: readonly ErasureOutcome[] }): ReactNode {
  return (
    <table className={styles['table']}>
      <thead>
        <tr>
          <th scope="col">{words.outcomeColumns.what}</th>
          <th scope="col">{words.outcomeColumns.where}</th>
          <th scope="col">{words.outcomeColumns.outcome}</th>
          <th scope="col">{words.outcomeColumns.because}</th>
          <th scope="col">{words.outcomeColumns.until}</th>
          <th scope="col" className={styles['number']}>
            {words.outcomeColumns.rows}
          </th>
        </tr>
      </thead>
      <tbody>
        {props.outcomes.map((each) => (
          <tr key={`${each.where} ${each.outcome} ${each.because ?? ''} ${String(each.rows)}`}>
            <th scope="row">{each.title}</th>
            <td className={styles['place']}>{each.where}</td>
            <td>
              <Status tone={outcomeTones[each.outcome]}>{words.outcome[each.outcome]}</Status>
            </td>
            <td>{each.because ?? en.common.nothing}</td>
            <td>{each.until === null ? en.common.nothing : formatDate(each.until)}</td>
            <td className={styles['number']}>{formatNumber(each.rows)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The finds as a certificate lists them, each with who said that it stays. */
export function JudgedFinds(props: { readonly finds: readonly ErasureFind[] }): ReactNode {
  return (
    <ul className={styles['remaining']}>
      {props.finds.map((find) => (
        <li key={find.name}>
          {words.place(find.title, find.column)}: {words.says(find)}
          {find.entry === null ? null : (
            <>
              {' '}
              <Link to={paths.entry(find.entry)}>{en.common.entry(find.entry)}</Link>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
