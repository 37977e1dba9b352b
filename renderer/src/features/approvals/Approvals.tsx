import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import { en } from '#shared/strings/en.ts';
import { paths } from '../../paths.ts';
import { useRead } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Empty, Loaded, Moment, Page, Panel } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { planColumns } from '../../components/planColumns.tsx';
import styles from './approvals.module.css';

const decidedColumns: readonly DataColumn<ErasurePlan>[] = [
  ...planColumns.filter((column) => ['plan', 'request', 'person', 'state', 'by'].includes(column.id)),
  {
    id: 'decidedBy',
    title: en.approvals.decidedBy,
    width: 'minmax(112px, 0.8fr)',
    cell: (plan) => <CellText>{plan.approval?.by ?? en.common.nothing}</CellText>,
    sort: (plan) => plan.approval?.by ?? '',
  },
  {
    id: 'decidedAt',
    title: en.trail.columns.at,
    width: 'minmax(176px, 1fr)',
    cell: (plan) => (plan.approval ? <Moment at={plan.approval.at} /> : en.common.nothing),
    sort: (plan) => plan.approval?.at ?? '',
  },
];

/** Plans that wait for a second person, and those that were decided. */
export function Approvals(): ReactNode {
  const navigate = useNavigate();
  const session = useSession();
  const awaiting = useRead('erasure.list', { awaiting: true }, { every: 15_000 });
  const all = useRead('erasure.list', {}, { every: 30_000 });
  const decided = (all.data?.plans ?? []).filter((plan) => plan.approval !== null);
  const columns = planColumns.map((column) =>
    column.id === 'by'
      ? {
          ...column,
          cell: (plan: ErasurePlan) => (
            <CellText>
              {plan.plannedBy === session.login || plan.plannedBy === session.person
                ? `${plan.plannedBy} (${en.approvals.own})`
                : plan.plannedBy}
            </CellText>
          ),
        }
      : column,
  );
  return (
    <Page title={en.approvals.title}>
      <Panel title={en.approvals.waiting} flush className={styles['grow'] ?? ''}>
        <Loaded read={awaiting} rows={4}>
          {({ plans }) =>
            plans.length === 0 ? (
              <Empty centre title={en.approvals.empty} text={en.approvals.emptyHint} />
            ) : (
              <DataTable
                label={en.approvals.waiting}
                columns={columns}
                rows={plans}
                rowKey={(plan) => String(plan.id)}
                takesKeys
                onOpen={(plan) => void navigate(paths.plan(plan.id))}
              />
            )
          }
        </Loaded>
      </Panel>
      <Panel title={en.approvals.decided} flush className={styles['grow'] ?? ''}>
        <Loaded read={all} rows={4}>
          {() =>
            decided.length === 0 ? (
              <Empty title={en.approvals.decidedEmpty} />
            ) : (
              <DataTable
                label={en.approvals.decided}
                columns={decidedColumns}
                rows={decided}
                rowKey={(plan) => String(plan.id)}
                onOpen={(plan) => void navigate(paths.plan(plan.id))}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
