import type { ErasurePlan } from '#shared/contract/erasure.ts';
import { en } from '#shared/strings/en.ts';
import { Moment, Reference, Status } from './Basics.tsx';
import { CellText, type DataColumn } from './DataTable.tsx';
import { formatNumber } from './format.ts';
import { planTones } from './tones.ts';

/** Rows that a plan takes away or makes anonymous. */
export function rowsThatGo(plan: Pick<ErasurePlan, 'lines'>): number {
  return plan.lines
    .filter((line) => line.action === 'delete' || line.action === 'anonymise' || line.action === 'detach')
    .reduce((sum, line) => sum + line.rows, 0);
}

/** The columns in which deletion plans are listed. */
export const planColumns: readonly DataColumn<ErasurePlan>[] = [
  {
    id: 'plan',
    title: en.deletion.columns.plan,
    width: '80px',
    cell: (plan) => plan.id,
    sort: (plan) => plan.id,
  },
  {
    id: 'request',
    title: en.deletion.columns.request,
    width: 'minmax(104px, 0.6fr)',
    cell: (plan) => en.common.request(plan.requestId),
    sort: (plan) => plan.requestId,
  },
  {
    id: 'person',
    title: en.deletion.columns.person,
    width: 'minmax(136px, 0.8fr)',
    cell: (plan) => <Reference text={plan.subject} />,
    sort: (plan) => plan.subject,
  },
  {
    id: 'state',
    title: en.deletion.columns.state,
    width: 'minmax(176px, 1fr)',
    cell: (plan) => <Status tone={planTones[plan.state]}>{en.deletion.state[plan.state]}</Status>,
    sort: (plan) => plan.state,
  },
  {
    id: 'planned',
    title: en.deletion.columns.planned,
    width: 'minmax(176px, 1fr)',
    cell: (plan) => <Moment at={plan.plannedAt} />,
    sort: (plan) => plan.plannedAt,
  },
  {
    id: 'by',
    title: en.deletion.columns.by,
    width: 'minmax(112px, 0.8fr)',
    cell: (plan) => <CellText>{plan.plannedBy}</CellText>,
    sort: (plan) => plan.plannedBy,
  },
  {
    id: 'rows',
    title: en.deletion.columns.rows,
    width: '104px',
    end: true,
    cell: (plan) => formatNumber(rowsThatGo(plan)),
    sort: rowsThatGo,
  },
  {
    id: 'objects',
    title: en.deletion.columns.objects,
    width: '88px',
    end: true,
    cell: (plan) => formatNumber(plan.objects.count),
    sort: (plan) => plan.objects.count,
  },
  {
    id: 'hash',
    title: en.deletion.columns.hash,
    width: '104px',
    cell: (plan) => <Reference text={plan.sha256} short />,
  },
];
