import { Button, Modal, NumberInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { StandingApproval } from '#shared/contract/retention.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import { Dim, Empty, FailureNote, Moment, Panel, Status, type Tone } from '../../components/Basics.tsx';
import { Decision } from '../../components/Decision.tsx';
import formStyles from '../../components/form.module.css';
import { formatNumber } from '../../components/format.ts';
import { isReason, Reason } from '../../components/Reason.tsx';
import styles from './retention.module.css';

const words = en.retention;
const day = 86_400_000;

const tones: Readonly<Record<StandingApproval['state'], Tone>> = {
  asked: 'warn',
  approved: 'good',
  denied: 'bad',
  revoked: 'bad',
  void: 'plain',
};

type Doing = { readonly what: 'decide' | 'revoke'; readonly standing: StandingApproval } | 'ask';

/** Standing approvals, for runs by a timer. */
export function Standings(props: { readonly standings: readonly StandingApproval[] }): ReactNode {
  const asks = useMay(['operator', 'admin']);
  const approver = useMay(['approver']);
  const session = useSession();
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = (): void => {
    setDoing(null);
  };
  const act = (standing: StandingApproval): 'decide' | 'revoke' | null => {
    if (!approver) return null;
    if (standing.state === 'asked') return standing.askedBy === session.login ? null : 'decide';
    return standing.state === 'approved' ? 'revoke' : null;
  };
  const title = (): string => {
    if (doing === null) return '';
    if (doing === 'ask') return words.askTitle;
    return doing.what === 'decide'
      ? words.decideTitle(doing.standing.id)
      : words.revokeTitle(doing.standing.id);
  };
  return (
    <Panel
      title={words.standings}
      flush
      actions={
        asks ? (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              setDoing('ask');
            }}
          >
            {words.ask}
          </Button>
        ) : undefined
      }
    >
      <p className={styles['hint']}>{words.standingsHint}</p>
      {props.standings.length === 0 ? (
        <Empty title={words.noStandings} />
      ) : (
        <ul className={styles['items']}>
          {props.standings.map((standing) => {
            const can = act(standing);
            return (
              <li key={standing.id} className={styles['item']}>
                <span>
                  <Status tone={tones[standing.state]}>{words.standingState[standing.state]}</Status>{' '}
                  {words.standing(standing.id)}
                </span>
                {can === null ? (
                  <span />
                ) : (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`${words[can]}: ${words.standing(standing.id)}`}
                    onClick={() => {
                      setDoing({ what: can, standing });
                    }}
                  >
                    {words[can]}
                  </Button>
                )}
                <Dim>
                  {words.limits(formatNumber(standing.rowsPerRun), formatNumber(standing.rowsPerRule))} ·{' '}
                  {standing.askedBy} · {words.until} <Moment at={standing.validUntil} />
                </Dim>
              </li>
            );
          })}
        </ul>
      )}
      <Modal
        opened={doing !== null}
        onClose={close}
        title={title()}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {doing === null ? null : doing === 'ask' ? (
          <Ask onDone={close} />
        ) : doing.what === 'decide' ? (
          <Decide standing={doing.standing} onDone={close} />
        ) : (
          <Revoke standing={doing.standing} onDone={close} />
        )}
      </Modal>
    </Panel>
  );
}

function Ask(props: { readonly onDone: () => void }): ReactNode {
  const [rowsPerRun, setRowsPerRun] = useState<string | number>(1_000_000);
  const [rowsPerRule, setRowsPerRule] = useState<string | number>(500_000);
  const [days, setDays] = useState<string | number>(30);
  const [reason, setReason] = useState('');
  const ask = useWrite('retention.askStanding', ({ id, entry }) => {
    tell(words.asked(id), entry);
    props.onDone();
  });
  const given =
    typeof rowsPerRun === 'number' && typeof rowsPerRule === 'number' && typeof days === 'number'
      ? { rowsPerRun, rowsPerRule, days }
      : null;
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (given === null) return;
        ask.mutate({
          rowsPerRun: given.rowsPerRun,
          rowsPerRule: given.rowsPerRule,
          // A minute less, so that 90 days are not more by the database's clock.
          validUntil: new Date(Date.now() + given.days * day - 60_000).toISOString(),
          reason: reason.trim(),
        });
      }}
    >
      <p>{words.askText}</p>
      <div className={formStyles['pair']}>
        <NumberInput
          label={words.rowsPerRun}
          min={1}
          thousandSeparator=","
          value={rowsPerRun}
          onChange={setRowsPerRun}
        />
        <NumberInput
          label={words.rowsPerRule}
          min={1}
          thousandSeparator=","
          value={rowsPerRule}
          onChange={setRowsPerRule}
        />
      </div>
      <NumberInput
        label={words.forDays}
        min={1}
        max={90}
        allowDecimal={false}
        value={days}
        onChange={setDays}
      />
      <Reason label={words.why} hint={words.whyAsk} value={reason} onChange={setReason} />
      {ask.error ? <FailureNote failure={ask.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={given === null || !isReason(reason)} loading={ask.isPending}>
          {words.ask}
        </Button>
      </div>
    </form>
  );
}

interface Form {
  readonly standing: StandingApproval;
  readonly onDone: () => void;
}

function Decide(props: Form): ReactNode {
  const { standing } = props;
  const password = usePasswordAgain();
  const decide = useWrite('retention.decideStanding', ({ entry }) => {
    tell(words.standingTold, entry);
    props.onDone();
  });
  const sending = decide.isPending ? decide.variables.decision : null;
  return (
    <div className={formStyles['form']}>
      <p>
        {standing.askedBy}: “{standing.reason}”.{' '}
        {words.limits(formatNumber(standing.rowsPerRun), formatNumber(standing.rowsPerRule))}. {words.askText}
      </p>
      <Decision
        words={{ why: words.why, hint: words.whyDecide, approve: words.approve, deny: words.deny }}
        password={password}
        failure={decide.error}
        sending={sending === 'revoke' ? null : sending}
        onDecide={(decision, reason) => {
          decide.mutate({ id: standing.id, sha256: standing.sha256, decision, reason, ...password.sent });
        }}
      />
    </div>
  );
}

function Revoke(props: Form): ReactNode {
  const { standing } = props;
  const [reason, setReason] = useState('');
  const revoke = useWrite('retention.decideStanding', ({ entry }) => {
    tell(words.standingTold, entry);
    props.onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        revoke.mutate({
          id: standing.id,
          sha256: standing.sha256,
          decision: 'revoke',
          reason: reason.trim(),
        });
      }}
    >
      <Reason first label={words.why} hint={words.whyDecide} value={reason} onChange={setReason} />
      {revoke.error ? <FailureNote failure={revoke.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" disabled={!isReason(reason)} loading={revoke.isPending}>
          {words.revoke}
        </Button>
      </div>
    </form>
  );
}
