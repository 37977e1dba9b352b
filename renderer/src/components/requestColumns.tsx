import type { RequestRow } from '#shared/contract/requests.ts';
import type { RequestState } from '#shared/domain/requests.ts';
import { en } from '#shared/strings/en.ts';
import { Day, DaysLeft, Dim, Reference, Status, type Tone } from './Basics.tsx';
import { CellText, type DataColumn } from './DataTable.tsx';

export const requestTones: Readonly<Record<RequestState, Tone>> = {
  open: 'plain',
  in_progress: 'info',
  waiting_approval: 'warn',
  closed: 'good',
};

const stateOrder: Readonly<Record<RequestState, number>> = {
  open: 0,
  in_progress: 1,
  waiting_approval: 2,
  closed: 3,
};

const number: DataColumn<RequestRow> = {
  id: 'number',
  title: en.request.columns.number,
  width: '72px',
  cell: (row) => String(row.id),
  sort: (row) => row.id,
};
const kind: DataColumn<RequestRow> = {
  id: 'kind',
  title: en.request.columns.kind,
  width: 'minmax(88px, 0.6fr)',
  cell: (row) => <strong>{en.request.kind[row.kind]}</strong>,
  sort: (row) => row.kind,
};
const state: DataColumn<RequestRow> = {
  id: 'state',
  title: en.request.columns.state,
  width: 'minmax(176px, 0.6fr)',
  cell: (row) => (
    <Status tone={requestTones[row.state]}>
      {row.state === 'closed' && row.outcome !== null
        ? (en.request.outcome[row.outcome] ?? row.outcome)
        : en.request.state[row.state]}
    </Status>
  ),
  sort: (row) => stateOrder[row.state],
};
const subject: DataColumn<RequestRow> = {
  id: 'subject',
  title: en.request.columns.subject,
  width: 'minmax(136px, 0.6fr)',
  cell: (row) =>
    row.subject === null ? <Dim>{en.request.notFoundYet}</Dim> : <Reference text={row.subject} />,
  sort: (row) => row.subject ?? '',
};
const clock: DataColumn<RequestRow> = {
  id: 'clock',
  title: en.request.columns.left,
  width: 'minmax(120px, 0.5fr)',
  cell: (row) => (row.state === 'closed' ? <Dim>{en.common.nothing}</Dim> : <DaysLeft days={row.daysLeft} />),
  sort: (row) => row.daysLeft,
};
const received: DataColumn<RequestRow> = {
  id: 'received',
  title: en.request.columns.received,
  width: 'minmax(112px, 0.7fr)',
  cell: (row) => <Day date={row.receivedOn} />,
  sort: (row) => row.receivedOn,
};
const due: DataColumn<RequestRow> = {
  id: 'due',
  title: en.request.columns.due,
  width: 'minmax(112px, 0.7fr)',
  cell: (row) => <Day date={row.dueOn} />,
  sort: (row) => row.dueOn,
};
const assignee: DataColumn<RequestRow> = {
  id: 'assignee',
  title: en.request.columns.assignee,
  width: 'minmax(128px, 1fr)',
  cell: (row) =>
    row.assignee === null ? (
      <Dim>{en.request.unassigned}</Dim>
    ) : (
      <CellText>{row.mine ? `${row.assignee} (${en.common.you})` : row.assignee}</CellText>
    ),
  sort: (row) => row.assignee ?? '',
};
const message: DataColumn<RequestRow> = {
  id: 'message',
  title: en.request.columns.message,
  width: 'minmax(160px, 2fr)',
  cell: (row) =>
    row.message === null || row.message === '' ? (
      <Dim>{en.common.nothing}</Dim>
    ) : (
      <CellText dim>{row.message}</CellText>
    ),
};

/** The columns in which requests are listed. */
export const requestColumns = {
  short: [number, kind, clock, state, subject, message],
  full: [number, kind, clock, state, subject, assignee, received, due, message],
  // Who does not work on requests is not shown what people wrote.
  shortForOthers: [number, kind, clock, state, subject, assignee, due],
  fullForOthers: [number, kind, clock, state, subject, assignee, received, due],
} as const satisfies Record<string, readonly DataColumn<RequestRow>[]>;
