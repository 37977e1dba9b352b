import type { ErasurePlan } from '#shared/contract/erasure.ts';
import { en } from '#shared/strings/en.ts';
import { Reference, Status } from './Basics.tsx';
import type { DataColumn } from './DataTable.tsx';
import {
  figureColumn,
  numberColumn,
  personColumn,
  requestColumn,
  staffColumn,
  timeColumn,
} from './recordColumns.tsx';
import { planTones } from './tones.ts';

/** Rows that a plan takes away or makes anonymous. */
export function rowsThatGo(plan: Pick<ErasurePlan, 'lines'>): number {
  return plan.lines
    .filter((line) => line.action === 'delete' || line.action === 'anonymise' || line.action === 'detach')
    .reduce((sum, line) => sum + line.rows, 0);
}

const titles = en.deletion.columns;

/** The columns in which deletion plans are listed. */
export const planColumns: readonly DataColumn<ErasurePlan>[] = [
  numberColumn('plan', titles.plan),
  requestColumn,
  personColumn,
  {
    id: 'state',
    title: titles.state,
    width: 'minmax(176px, 1fr)',
    cell: (plan) => <Status tone={planTones[plan.state]}>{en.deletion.state[plan.state]}</Status>,
    sort: (plan) => plan.state,
  },
  timeColumn('planned', titles.planned, (plan) => plan.plannedAt),
  staffColumn('by', titles.by, (plan) => plan.plannedBy),
  figureColumn('rows', titles.rows, '104px', rowsThatGo),
  figureColumn('objects', titles.objects, '88px', (plan) => plan.objects.count),
  {
    id: 'hash',
    title: titles.hash,
    width: '112px',
    cell: (plan) => <Reference text={plan.sha256} short />,
  },
];
