import { Button, NumberInput, Select, TextInput } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useDebouncedValue } from '@mantine/hooks';
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import type { AuditEntry } from '#shared/contract/audit.ts';
import { permits } from '#shared/domain/roles.ts';
import { describeEntry, en, knownActions, nameAction } from '#shared/strings/en.ts';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, useSession } from '../../client/session.ts';
import { copy } from '../../client/notices.tsx';
import {
  Dim,
  Empty,
  Facts,
  FailureNote,
  Loaded,
  Moment,
  Page,
  Panel,
  Reference,
  Waiting,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { EntryOutcome, EntryWords } from '../../components/EntryList.tsx';
import { formatNumber, startOfDay } from '../../components/format.ts';
import { useEntries, type TrailFilter } from './entries.ts';
import { RestorePanel } from './RestorePanel.tsx';
import { TrailActions, TrailVerdict } from './TrailActions.tsx';
import styles from './trail.module.css';

const columns: readonly DataColumn<AuditEntry>[] = [
  {
    id: 'number',
    title: en.trail.columns.number,
    width: '64px',
    cell: (entry) => formatNumber(entry.number),
  },
  { id: 'at', title: en.trail.columns.at, width: '176px', cell: (entry) => <Moment at={entry.at} /> },
  {
    id: 'words',
    title: en.trail.columns.words,
    width: 'minmax(240px, 1fr)',
    cell: (entry) => <CellText>{describeEntry(entry)}</CellText>,
  },
  {
    id: 'outcome',
    title: en.trail.columns.outcome,
    width: '116px',
    cell: (entry) => <EntryOutcome entry={entry} />,
  },
];

const outcomes = ['intent', 'done', 'refused', 'failed'] as const;
const typingPause = 300;

interface Fields {
  readonly actor: string;
  readonly subject: string;
  readonly action: string | null;
  readonly requestId: number | null;
  readonly outcome: (typeof outcomes)[number] | null;
  readonly since: string | null;
  readonly until: string | null;
}

function toFilter(fields: Fields): TrailFilter {
  return {
    ...(fields.actor.trim() === '' ? {} : { actor: fields.actor.trim() }),
    ...(fields.subject.trim() === '' ? {} : { subject: fields.subject.trim() }),
    ...(fields.action === null ? {} : { action: fields.action }),
    ...(fields.requestId === null ? {} : { requestId: fields.requestId }),
    ...(fields.outcome === null ? {} : { outcome: fields.outcome }),
    ...(fields.since === null ? {} : { since: startOfDay(fields.since) }),
    ...(fields.until === null ? {} : { until: startOfDay(fields.until, 1) }),
  };
}

const noFilter: Fields = {
  actor: '',
  subject: '',
  action: null,
  requestId: null,
  outcome: null,
  since: null,
  until: null,
};

function fromAddress(parameters: URLSearchParams): Fields {
  return {
    ...noFilter,
    actor: parameters.get('actor') ?? '',
    subject: parameters.get('subject') ?? '',
    action: parameters.get('action'),
    requestId: Number(parameters.get('request') ?? '') || null,
    outcome: outcomes.find((one) => one === parameters.get('outcome')) ?? null,
  };
}

/** The audit trail: filtered, in words and in full, verified, taken away as a file. */
export function Trail(): ReactNode {
  const [parameters] = useSearchParams();
  const address = parameters.toString();
  return (
    <TrailFor
      key={address}
      start={fromAddress(parameters)}
      entry={Number(parameters.get('entry') ?? '') || null}
    />
  );
}

function TrailFor(props: { readonly start: Fields; readonly entry: number | null }): ReactNode {
  const session = useSession();
  const [fields, setFields] = useState<Fields>(props.start);
  const [settled] = useDebouncedValue(fields, typingPause);
  const filter = useMemo(() => toFilter(settled), [settled]);
  const { entries, pending, failure, more, loadMore, retry } = useEntries(filter);
  const [chosen, setChosen] = useState<AuditEntry | null>(null);
  const named = useRead(
    'audit.list',
    { before: (props.entry ?? 0) + 1, limit: 1 },
    { enabled: props.entry !== null },
  );
  const linked = named.data?.entries.find((entry) => entry.number === props.entry) ?? null;
  const shown = chosen ?? linked;
  const all = permits(['auditor'], session.roles);

  function set(part: Partial<Fields>): void {
    setFields((before) => ({ ...before, ...part }));
  }

  const loadRef = useRef(loadMore);
  useEffect(() => {
    loadRef.current = loadMore;
  });
  const length = entries.length;
  const onRange = useCallback(
    (_: number, last: number) => {
      if (last >= length - 20) loadRef.current();
    },
    [length],
  );
  const changed = JSON.stringify(fields) !== JSON.stringify(noFilter);
  return (
    <Page title={en.trail.title} lead={all ? en.trail.newer : en.trail.ownOnly} actions={<TrailActions />}>
      <RestorePanel />
      <TrailVerdict />
      <div className={styles['filters']} role="group" aria-label={en.trail.filter}>
        <TextInput
          label={en.trail.staff}
          placeholder={en.trail.staffHint}
          value={fields.actor}
          maxLength={63}
          onChange={(event) => {
            set({ actor: event.currentTarget.value });
          }}
        />
        <TextInput
          label={en.trail.subject}
          placeholder={en.trail.subjectHint}
          value={fields.subject}
          maxLength={40}
          onChange={(event) => {
            set({ subject: event.currentTarget.value.toUpperCase() });
          }}
        />
        <Select
          label={en.trail.action}
          placeholder={en.trail.anyAction}
          searchable
          clearable
          value={fields.action}
          onChange={(action) => {
            set({ action });
          }}
          data={knownActions.map((action) => ({ value: action, label: nameAction(action) }))}
        />
        <NumberInput
          label={en.trail.request}
          placeholder={en.request.columns.number}
          hideControls
          min={1}
          allowDecimal={false}
          value={fields.requestId ?? ''}
          onChange={(value) => {
            set({ requestId: typeof value === 'number' && value > 0 ? value : null });
          }}
        />
        <Select
          label={en.trail.outcome}
          placeholder={en.trail.anyOutcome}
          clearable
          value={fields.outcome}
          onChange={(value) => {
            set({ outcome: outcomes.find((one) => one === value) ?? null });
          }}
          data={outcomes.map((outcome) => ({ value: outcome, label: en.trail.outcomes[outcome] }))}
        />
        <DatePickerInput
          label={en.trail.since}
          placeholder={en.trail.anyDay}
          clearable
          valueFormat="D MMM YYYY"
          value={fields.since}
          {...(fields.until === null ? {} : { maxDate: fields.until })}
          onChange={(since) => {
            set({ since });
          }}
        />
        <DatePickerInput
          label={en.trail.until}
          placeholder={en.trail.anyDay}
          clearable
          valueFormat="D MMM YYYY"
          value={fields.until}
          {...(fields.since === null ? {} : { minDate: fields.since })}
          onChange={(until) => {
            set({ until });
          }}
        />
        <Button
          variant="default"
          disabled={!changed}
          onClick={() => {
            setFields(noFilter);
          }}
        >
          {en.trail.clear}
        </Button>
      </div>
      <div className={styles['columns']}>
        <Panel flush label={en.trail.title}>
          {failure ? (
            <div style={{ padding: 16 }}>
              <FailureNote failure={failure} onRetry={retry} />
            </div>
          ) : pending ? (
            <Waiting rows={12} />
          ) : entries.length === 0 ? (
            <Empty centre title={en.trail.empty} text={en.trail.emptyHint} />
          ) : (
            <>
              <DataTable
                label={en.trail.title}
                columns={columns}
                rows={entries}
                count={entries.length}
                openEnded={more}
                rowKey={(entry) => String(entry.number)}
                onRange={onRange}
                onActive={setChosen}
                takesKeys
              />
              <div className={styles['foot']} role="status">
                {more
                  ? en.trail.entriesSeen(formatNumber(entries.length))
                  : en.common.entries(entries.length)}
              </div>
            </>
          )}
        </Panel>
        <Panel title={en.trail.inspector} flush>
          {shown ? (
            <OneEntry key={shown.number} entry={shown} />
          ) : props.entry !== null ? (
            <Loaded read={named} rows={6}>
              {() => <Empty title={en.trail.empty} />}
            </Loaded>
          ) : (
            <Empty title={en.trail.inspectorEmpty} />
          )}
        </Panel>
      </div>
    </Page>
  );
}

function OneEntry(props: { readonly entry: AuditEntry }): ReactNode {
  const { entry } = props;
  const maySee = useMay(['viewer', 'operator']);
  const mayRead = useMay(['auditor']);
  const detail = useWrite('audit.detail');
  return (
    <div className={styles['inspector']} tabIndex={0}>
      <p className={styles['words']} dir="auto">
        <EntryWords entry={entry} />
      </p>
      <div>
        <EntryOutcome entry={entry} />
      </div>
      <Facts
        facts={[
          [en.trail.full.number, formatNumber(entry.number)],
          [en.trail.full.at, <Moment key="at" at={entry.at} />],
          [
            en.trail.full.actor,
            <Link key="actor" to={paths.trailOf({ actor: entry.actor })}>
              {entry.actor}
            </Link>,
          ],
          [en.trail.full.workstation, entry.workstation],
          [en.trail.full.client, entry.client === '' ? en.trail.full.clientLocal : entry.client],
          [en.trail.full.action, entry.action],
          entry.subject === null
            ? null
            : [
                en.trail.full.subject,
                <span key="subject">
                  {maySee ? (
                    <Link to={paths.person(entry.subject, entry.requestId)}>
                      <Reference text={entry.subject} />
                    </Link>
                  ) : (
                    <Link to={paths.trailOf({ subject: entry.subject })}>
                      <Reference text={entry.subject} />
                    </Link>
                  )}
                </span>,
              ],
          entry.requestId === null
            ? null
            : [
                en.trail.full.request,
                <Link key="request" to={paths.request(entry.requestId)}>
                  {en.common.request(entry.requestId)}
                </Link>,
              ],
          [en.trail.full.outcome, en.trail.outcomes[entry.outcome]],
          entry.intent === null
            ? null
            : [
                en.trail.full.intent,
                <Link key="intent" to={paths.entry(entry.intent)}>
                  {en.common.entry(entry.intent)}
                </Link>,
              ],
          [en.trail.full.chain, <Reference key="chain" text={entry.chain} short onCopy={copy} />],
        ]}
      />
      <div>
        <Dim>{entry.detail ? en.trail.detailKept : en.trail.detailNone}</Dim>
        {mayRead && entry.detail && !detail.data ? (
          <div style={{ marginTop: 8 }}>
            <Button
              variant="default"
              title={en.trail.readDetailHint}
              loading={detail.isPending}
              onClick={() => {
                detail.mutate({ number: entry.number });
              }}
            >
              {en.trail.readDetail}
            </Button>
          </div>
        ) : null}
        {detail.error ? <FailureNote failure={detail.error} /> : null}
        {detail.data ? (
          <p className={styles['detail']} dir="auto">
            {detail.data.detail ?? en.trail.detailGone}
          </p>
        ) : null}
      </div>
    </div>
  );
}
