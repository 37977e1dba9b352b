import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconChevronDown, IconClockPlus, IconX } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import type { RequestRow } from '#shared/contract/requests.ts';
import type { OutputOf } from '#shared/contract/index.ts';
import type { SubjectRow } from '#shared/contract/subjects.ts';
import { en } from '#shared/strings/en.ts';
import { usePlacingHold } from '../../client/holds.ts';
import { useRestricting, useRestrictionOf } from '../../client/restrictions.ts';
import { dropAccess, holdAccess, useAccesses, type HeldAccess } from '../../client/accesses.ts';
import { copy, tellFailure } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { useNow } from '../../components/clock.ts';
import {
  Controller,
  DaysLeft,
  Dim,
  Loaded,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { formatCountdown, formatNumber, formatPhone } from '../../components/format.ts';
import { PersonHolds } from '../../components/HoldNote.tsx';
import { useKeys } from '../../components/keys.ts';
import { PlaceHold } from '../../components/PlaceHold.tsx';
import { RestrictionNote, RestrictProcessing } from '../../components/Restriction.tsx';
import { Held } from './Held.tsx';
import { OpenAccess } from './OpenAccess.tsx';
import styles from './person.module.css';

const extensionMinutes = 15;
/** Seconds before its end at which an access is shown in red. */
const shortly = 120;

/** One person: opened for a request or a reason, shown masked, closed by itself. */
export function Person(): ReactNode {
  const subject = useParams()['subject'] ?? '';
  const held = useAccesses().get(subject);
  if (!held) return <OpenAccess key={subject} subject={subject} wasOpen={false} />;
  return <Opened key={held.access.id} held={held} />;
}

function Opened(props: { readonly held: HeldAccess }): ReactNode {
  const { access } = props.held;
  const now = useNow();
  const open = Date.parse(access.expiresAt) > now;
  const read = useRead('subjects.show', { accessId: access.id }, { enabled: open, keepFor: 0 });
  const refused = read.error?.code === 'access_closed';
  useEffect(() => {
    if (refused) dropAccess(access.subject);
  }, [refused, access.subject]);
  if (!open) return <OpenAccess subject={access.subject} wasOpen />;
  return (
    <Loaded read={read} rows={10} page={en.person.title}>
      {(shown) => <Shown held={props.held} shown={shown} />}
    </Loaded>
  );
}

function Shown(props: { readonly held: HeldAccess; readonly shown: OutputOf<'subjects.show'> }): ReactNode {
  const { access } = props.held;
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const requests = useRead('requests.list', { state: 'open', subject: access.subject });
  const holds = useRead('holds.list', {}, { every: 30_000 });
  const placing = usePlacingHold();
  const restricting = useRestricting();
  const restriction = useRestrictionOf(access.subject);
  const open = requests.data?.requests ?? [];
  const deletions = open.filter((request) => request.kind === 'deletion');
  const exportable = open.filter((request) => request.kind !== 'correction');
  const preferred = exportable.find((request) => request.id === access.requestId) ?? exportable[0];
  useKeys({
    e: works && preferred ? () => void navigate(paths.exportOf(preferred.id)) : undefined,
  });
  const account = props.shown.account?.cells;
  const name = account?.['name'] ?? access.subject;
  return (
    <Page
      title={en.person.title}
      lead={<Reference text={access.subject} onCopy={copy} />}
      actions={
        works ? (
          <>
            <UnderRequest
              title={en.person.export}
              requests={exportable}
              to={paths.exportOf}
              label={en.person.startExport}
            />
            <UnderRequest
              title={en.person.delete}
              requests={deletions}
              to={paths.deletionOf}
              label={en.person.startDeletion}
            />
            <PlaceHold title={en.holds.act.place} placing={placing} on={{ subject: access.subject }} />
            {restriction === null ? (
              <RestrictProcessing
                subject={access.subject}
                requestId={access.requestId}
                placing={restricting}
              />
            ) : null}
          </>
        ) : null
      }
    >
      <Controller says={access.controller} />
      <RestrictionNote restriction={restriction} requestId={access.requestId} />
      <PersonHolds holds={holds.data?.holds ?? []} subject={access.subject} />
      <Panel label={en.person.title}>
        <div className={styles['strip']} style={{ padding: 0 }}>
          <div className={styles['who']}>
            <div className={styles['line']} style={{ flexWrap: 'nowrap' }}>
              <span className={styles['name']} dir="auto" title={name}>
                {name}
              </span>
              {props.shown.account === null ? (
                <Status tone="plain" title={en.person.noAccount}>
                  {access.kindTitle}
                </Status>
              ) : account?.['closed_at'] ? (
                <Status tone="warn">{en.person.accountClosed}</Status>
              ) : (
                <Status tone="good">{en.person.active}</Status>
              )}
            </div>
            <div className={styles['line']}>
              {account?.['email'] ? <Dim>{account['email']}</Dim> : null}
              {account?.['phone'] ? <Dim>{formatPhone(account['phone'])}</Dim> : null}
            </div>
            <div className={styles['line']}>
              <Dim>{en.person.openRequests}:</Dim>
              {open.length === 0 ? (
                <Dim>{en.person.noOpenRequests}</Dim>
              ) : (
                open.map((request) => (
                  <span key={request.id} className={styles['line']} style={{ gap: 4 }}>
                    <Link to={paths.request(request.id)}>
                      {en.common.request(request.id)} {en.request.kind[request.kind].toLowerCase()}
                    </Link>
                    <DaysLeft days={request.daysLeft} />
                  </span>
                ))
              )}
            </div>
          </div>
          <div className={styles['plan']}>
            {props.shown.plans.length === 0 ? null : (
              <>
                <Dim>{en.person.plans}</Dim>
                {props.shown.plans.slice(0, 3).map((plan) => (
                  <PlanLine key={plan.key} plan={plan} />
                ))}
              </>
            )}
          </div>
          <AccessClock held={props.held} />
        </div>
      </Panel>
      <Held access={access} counts={props.shown.counts} />
    </Page>
  );
}

/** Cells of a plan row, worded when the map names them as the platform does. */
function PlanLine(props: { readonly plan: SubjectRow }): ReactNode {
  const { cells } = props.plan;
  const worded: readonly (readonly [string, string])[] = [
    ['requests_per_minute', en.person.perMinute],
    ['monthly_message_quota', en.person.perMonth],
    ['message_metadata_retention_days', en.person.retention],
  ];
  const figures = worded.flatMap(([column, words]) => {
    const value = cells[column];
    return value === null || value === undefined ? [] : [`${formatNumber(Number(value))} ${words}`];
  });
  return (
    <div className={styles['planLine']}>
      <strong>{cells['name'] ?? cells['id'] ?? en.common.nothing}</strong>
      {figures.map((figure) => (
        <span key={figure}>{figure}</span>
      ))}
    </div>
  );
}

function AccessClock(props: { readonly held: HeldAccess }): ReactNode {
  const { access, reason } = props.held;
  const now = useNow();
  const left = Date.parse(access.expiresAt) - now;
  const close = useWrite('subjects.close', () => {
    dropAccess(access.subject);
  });
  const extend = useWrite('subjects.open', (opened) => {
    holdAccess(opened.access, reason);
  });
  useEffect(() => {
    const failed = close.error ?? extend.error;
    if (failed) tellFailure(failed);
  }, [close.error, extend.error]);
  const short = left < shortly * 1000;
  return (
    <div className={styles['side']}>
      <div className={styles['access']}>
        <span className={short ? styles['short'] : undefined} role="timer">
          {en.person.accessOpen(formatCountdown(left))}
        </span>
        <ActionIcon
          variant="default"
          aria-label={en.person.extend}
          title={en.person.extendHint(extensionMinutes)}
          loading={extend.isPending}
          onClick={() => {
            extend.mutate({
              subject: access.subject,
              minutes: extensionMinutes,
              ...(access.requestId === null ? { reason: reason ?? '' } : { requestId: access.requestId }),
            });
          }}
        >
          <IconClockPlus size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label={en.person.closeAccess}
          title={en.person.closeAccess}
          loading={close.isPending}
          onClick={() => {
            close.mutate({ accessId: access.id });
          }}
        >
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </div>
      <Dim>
        {access.requestId === null ? (
          <Status tone="warn">{en.why.without}</Status>
        ) : (
          <Link to={paths.request(access.requestId)}>{en.common.request(access.requestId)}</Link>
        )}
      </Dim>
    </div>
  );
}

function UnderRequest(props: {
  readonly title: string;
  readonly requests: readonly RequestRow[];
  readonly to: (id: number) => string;
  readonly label: (id: number) => string;
}): ReactNode {
  const { requests } = props;
  const [opened, setOpened] = useState(false);
  const only = requests.length === 1 ? requests[0] : undefined;
  if (only) {
    return (
      <Button component={Link} to={props.to(only.id)} variant="default" title={props.label(only.id)}>
        {props.title}
      </Button>
    );
  }
  if (requests.length === 0) {
    return (
      <Button variant="default" disabled title={en.person.needsRequest}>
        {props.title}
      </Button>
    );
  }
  return (
    <Menu opened={opened} onChange={setOpened} position="bottom-end">
      <Menu.Target>
        <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
          {props.title}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {requests.map((request) => (
          <Menu.Item key={request.id} component={Link} to={props.to(request.id)}>
            {props.label(request.id)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
