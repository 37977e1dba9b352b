import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { Correction } from '#shared/contract/corrections.ts';
import type { MapChange, MappedCollection } from '#shared/contract/dataMap.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import type { LegalHold } from '#shared/contract/holds.ts';
import type { ExportRelease } from '#shared/contract/exports.ts';
import type { RetentionPlan } from '#shared/contract/retention.ts';
import { en } from '#shared/strings/en.ts';
import { paths } from '../../paths.ts';
import { useRead } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Empty, Loaded, Moment, Page, Panel, Reference, Status } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { batchColumns } from '../../components/batchColumns.tsx';
import { planColumns } from '../../components/planColumns.tsx';
import { columnTitle } from '../../components/CorrectionContent.tsx';
import {
  figureColumn,
  numberColumn,
  personColumn,
  requestColumn,
  staffColumn,
  timeColumn,
} from '../../components/recordColumns.tsx';
import { mapChangeTones } from '../../components/tones.ts';
import styles from './approvals.module.css';

const decidedColumns: readonly DataColumn<ErasurePlan>[] = [
  ...planColumns.filter((column) => ['plan', 'request', 'person', 'state', 'by'].includes(column.id)),
  {
    id: 'decidedBy',
    title: en.approvals.decidedBy,
    width: 'minmax(112px, 0.8fr)',
    cell: (plan) => <CellText>{plan.approvals.map((each) => each.by).join(', ')}</CellText>,
    sort: (plan) => plan.approvals.at(-1)?.by ?? '',
  },
  {
    id: 'decidedAt',
    title: en.trail.columns.at,
    width: 'minmax(176px, 1fr)',
    cell: (plan) => <Moment at={plan.approvals.at(-1)?.at ?? plan.plannedAt} />,
    sort: (plan) => plan.approvals.at(-1)?.at ?? '',
  },
];

const words = en.mapChange.columns;

const changeColumns: readonly DataColumn<MapChange>[] = [
  numberColumn('change', words.change),
  {
    id: 'state',
    title: words.state,
    width: 'minmax(176px, 1fr)',
    cell: (change) => <Status tone={mapChangeTones[change.state]}>{en.mapChange.state[change.state]}</Status>,
    sort: (change) => change.state,
  },
  {
    id: 'why',
    title: words.why,
    width: 'minmax(200px, 2fr)',
    cell: (change) => <CellText>{change.reason}</CellText>,
  },
  timeColumn('proposed', en.mapChange.proposedAt, (change) => change.proposedAt),
  staffColumn('by', en.mapChange.proposedBy, (change) => change.proposedBy),
  {
    id: 'hash',
    title: words.hash,
    width: '112px',
    cell: (change) => <Reference text={change.hash} short />,
  },
];

const releaseColumns: readonly DataColumn<ExportRelease>[] = [
  {
    id: 'request',
    title: en.trail.columns.request,
    width: '120px',
    cell: (release) => en.common.request(release.requestId),
    sort: (release) => release.requestId,
  },
  {
    id: 'gaps',
    title: en.release.columns.gaps,
    width: 'minmax(240px, 2fr)',
    cell: (release) => <CellText>{release.gaps.join(', ')}</CellText>,
  },
  {
    id: 'why',
    title: en.release.reason,
    width: 'minmax(200px, 2fr)',
    cell: (release) => <CellText>{release.reason ?? en.common.nothing}</CellText>,
  },
  timeColumn('asked', words.asked, (release) => release.askedAt),
  staffColumn('by', en.release.askedBy, (release) => release.askedBy),
];

const liftColumns: readonly DataColumn<LegalHold>[] = [
  numberColumn('hold', en.holds.hold),
  {
    id: 'ground',
    title: en.holds.ground,
    width: 'minmax(200px, 2fr)',
    cell: (hold) => <CellText>{hold.ground}</CellText>,
  },
  {
    id: 'why',
    title: en.holds.why,
    width: 'minmax(200px, 2fr)',
    cell: (hold) => <CellText>{hold.lift?.reason ?? en.common.nothing}</CellText>,
  },
  staffColumn('by', en.mapChange.proposedBy, (hold) => hold.lift?.proposedBy ?? ''),
];

const retentionColumns: readonly DataColumn<RetentionPlan>[] = [
  numberColumn('plan', en.retention.columns.plan),
  timeColumn('made', en.retention.columns.made, (plan) => plan.madeAt),
  staffColumn('by', en.retention.columns.by, (plan) => plan.madeBy),
  figureColumn('due', en.retention.columns.due, '112px', (plan) =>
    plan.lines.reduce((sum, line) => sum + line.planned, 0),
  ),
];

function correctionColumns(collections: readonly MappedCollection[]): readonly DataColumn<Correction>[] {
  return [
    numberColumn('correction', en.correction.one),
    requestColumn,
    personColumn,
    {
      id: 'what',
      title: en.correction.what,
      width: 'minmax(200px, 2fr)',
      cell: ({ collection, columns }) => (
        <CellText>{columns.map((each) => columnTitle(collections, collection, each)).join(', ')}</CellText>
      ),
    },
    timeColumn('at', en.correction.at, ({ proposedAt }) => proposedAt),
    staffColumn('by', en.correction.by, ({ proposedBy }) => proposedBy),
  ];
}

/** Plans, corrections and changes of the data map that wait for a second person, and those that were decided. */
export function Approvals(): ReactNode {
  const navigate = useNavigate();
  const session = useSession();
  const awaiting = useRead('erasure.list', { awaiting: true }, { every: 15_000 });
  const all = useRead('erasure.list', {}, { every: 30_000 });
  const releases = useRead('exports.releases', {}, { every: 30_000 });
  const asked = (releases.data?.releases ?? []).filter((release) => release.state === 'asked');
  const changes = useRead('map.changes', {}, { every: 30_000 });
  const holds = useRead('holds.list', {}, { every: 30_000 });
  const corrections = useRead('corrections.list', { waiting: true }, { every: 15_000 });
  const retention = useRead('retention.plans', { waiting: true }, { every: 15_000 });
  const batches = useRead('batches.list', { waiting: true }, { every: 15_000 });
  const map = useRead('map.show', {});
  const lifts = (holds.data?.holds ?? []).filter((hold) => hold.lift?.state === 'asked');
  const decided = (all.data?.plans ?? []).filter(
    (plan) => plan.approvals.length > 0 && plan.state !== 'awaiting',
  );
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
      {batches.data !== undefined && batches.data.batches.length > 0 ? (
        <Panel title={en.batches.waitingTitle} flush className={styles['grow'] ?? ''}>
          <DataTable
            label={en.batches.waitingTitle}
            columns={batchColumns}
            rows={batches.data.batches}
            rowKey={(batch) => String(batch.id)}
            onOpen={(batch) => void navigate(paths.batch(batch.id))}
          />
        </Panel>
      ) : null}
      {asked.length > 0 ? (
        <Panel title={en.release.waiting} flush className={styles['grow'] ?? ''}>
          <DataTable
            label={en.release.waiting}
            columns={releaseColumns}
            rows={asked}
            rowKey={(release) => String(release.id)}
            onOpen={(release) => void navigate(paths.exportOf(release.requestId))}
          />
        </Panel>
      ) : null}
      {corrections.data !== undefined && corrections.data.corrections.length > 0 ? (
        <Panel title={en.correction.waitingTitle} flush className={styles['grow'] ?? ''}>
          <DataTable
            label={en.correction.waitingTitle}
            columns={correctionColumns(map.data?.collections ?? [])}
            rows={corrections.data.corrections}
            rowKey={(correction) => String(correction.id)}
            onOpen={(correction) => void navigate(paths.correctionsOf(correction.requestId))}
          />
        </Panel>
      ) : null}
      {retention.data !== undefined && retention.data.plans.length > 0 ? (
        <Panel title={en.retention.plans} flush className={styles['grow'] ?? ''}>
          <DataTable
            label={en.retention.plans}
            columns={retentionColumns}
            rows={retention.data.plans}
            rowKey={(plan) => String(plan.id)}
            onOpen={(plan) => void navigate(paths.retentionPlan(plan.id))}
          />
        </Panel>
      ) : null}
      {lifts.length > 0 ? (
        <Panel title={en.holds.liftsWaiting} flush className={styles['grow'] ?? ''}>
          <DataTable
            label={en.holds.liftsWaiting}
            columns={liftColumns}
            rows={lifts}
            rowKey={(hold) => String(hold.id)}
            onOpen={() => void navigate(paths.holds)}
          />
        </Panel>
      ) : null}
      {changes.data !== undefined && changes.data.changes.length > 0 ? (
        <Panel title={en.mapChange.waiting} flush className={styles['grow'] ?? ''}>
          <DataTable
            label={en.mapChange.waiting}
            columns={changeColumns}
            rows={changes.data.changes}
            rowKey={(change) => String(change.id)}
            onOpen={(change) => void navigate(paths.mapChange(change.id))}
          />
        </Panel>
      ) : null}
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
