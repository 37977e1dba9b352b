import { Button } from '@mantine/core';
import { type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import type { MapChange, MapComparison, MapDifference } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import { Facts, Hash, Loaded, Moment, Note, Page, Panel, Status } from '../../components/Basics.tsx';
import { Decision } from '../../components/Decision.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatNumber } from '../../components/format.ts';
import { exposureTones, mapChangeTones } from '../../components/tones.ts';
import { paths } from '../../paths.ts';
import styles from './approvals.module.css';

const words = en.mapChange;

/** One change of the data map: for who proposed it, who decides about it and who reads it later. */
export function MapChangePage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead('map.change', { change: id }, { every: 30_000 });
  return (
    <Loaded read={read} rows={10} page={words.title(id)}>
      {(told) => <OneChange key={told.change.id} {...told} />}
    </Loaded>
  );
}

const differenceColumns: readonly DataColumn<MapDifference>[] = [
  {
    id: 'what',
    title: words.line,
    width: 'minmax(320px, 3fr)',
    cell: (each) => <CellText>{words.describe(each)}</CellText>,
    sort: (each) => words.describe(each),
  },
  {
    id: 'table',
    title: words.table,
    width: 'minmax(160px, 1fr)',
    cell: (each) => <CellText dim>{each.table ?? en.common.nothing}</CellText>,
    sort: (each) => each.table ?? '',
  },
  {
    id: 'exposure',
    title: words.exposureTitle,
    width: 'minmax(160px, 1fr)',
    cell: (each) => <Status tone={exposureTones[each.exposure]}>{words.exposure[each.exposure]}</Status>,
    sort: (each) => each.exposure,
  },
];

function OneChange({
  change,
  differences,
  tables,
}: MapComparison & { readonly change: MapChange }): ReactNode {
  const navigate = useNavigate();
  const exposing = differences.filter((each) => each.exposure === 'more').length;
  const { decision } = change;
  return (
    <Page
      title={words.title(change.id)}
      lead={<Status tone={mapChangeTones[change.state]}>{words.state[change.state]}</Status>}
      actions={
        <Button
          variant="default"
          onClick={() => {
            void navigate(paths.approvals);
          }}
        >
          {en.common.close}
        </Button>
      }
      scrolls
    >
      <Panel label={words.title(change.id)}>
        <div className={styles['facts']}>
          <Facts
            facts={[
              [
                words.proposedBy,
                <span key="by">
                  {change.proposedBy}, <Moment at={change.proposedAt} />
                </span>,
              ],
              [words.reason, change.reason],
              decision === null
                ? null
                : [
                    words.decision,
                    <span key="decision">
                      {decision.by}, <Moment at={decision.at} />: {decision.reason}
                    </span>,
                  ],
              change.adoptedAt === null ? null : [words.since, <Moment key="since" at={change.adoptedAt} />],
            ]}
          />
          <Facts
            facts={[
              [words.hash, <Hash key="hash" text={change.hash} />],
              [words.from, <Hash key="base" text={change.base} />],
              ...tables.map((each): [string, string] => [
                each.table,
                words.rowsAbout(formatNumber(Math.round(each.rows))),
              ]),
            ]}
          />
        </div>
      </Panel>
      <Note tone={exposing === 0 ? 'info' : 'warn'}>{words.exposes(exposing)}</Note>
      <Panel title={words.differences} flush className={styles['differences'] ?? ''}>
        <DataTable
          label={words.differences}
          columns={differenceColumns}
          rows={differences}
          rowKey={(each) =>
            `${each.collection ?? each.table ?? ''}.${each.column ?? ''}.${each.field ?? each.what}`
          }
        />
      </Panel>
      {change.state === 'waiting' || change.state === 'approved' ? <Decide change={change} /> : null}
    </Page>
  );
}

function Decide({ change }: { readonly change: MapChange }): ReactNode {
  const session = useSession();
  const may = useMay(['approver']);
  const password = usePasswordAgain();
  const decide = useWrite('map.decide', (done) => {
    password.change('');
    tell(done.change.state === 'denied' ? words.denied : words.approved, done.entry);
  });
  const own = change.proposedBy === session.login;
  if (!may || own) return <Note>{own ? words.own : words.noRole}</Note>;
  const { why, approve, deny } = words;
  return (
    <Panel title={words.decision}>
      <div className={styles['form']}>
        <Decision
          key={change.state}
          words={{ why, hint: en.deletion.reasonHint, approve, deny }}
          password={password}
          mayApprove={change.state === 'waiting'}
          failure={decide.error}
          sending={decide.isPending ? decide.variables.decision : null}
          onDecide={(decision, reason) => {
            decide.mutate({ change: change.id, hash: change.hash, decision, reason, ...password.sent });
          }}
        />
      </div>
    </Panel>
  );
}
