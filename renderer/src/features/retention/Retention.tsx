import { Button, Checkbox, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { ExpiryRule, RetentionPlan, RetentionRules } from '#shared/contract/retention.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Empty, FailureNote, Loaded, Note, Page, Panel, Status } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { figureColumn, numberColumn, staffColumn, timeColumn } from '../../components/recordColumns.tsx';
import formStyles from '../../components/form.module.css';
import { planTones } from '../../components/tones.ts';
import { paths } from '../../paths.ts';
import { Floors } from './Floors.tsx';
import { Media } from './Media.tsx';
import { RetentionJobs } from './RetentionJobs.tsx';
import { Standings } from './Standings.tsx';
import styles from './retention.module.css';

const words = en.retention;
const titles = words.columns;

/** What a rule's days are: its own, or the platform's column that says them. */
function daysOf(rule: ExpiryRule): string {
  if (rule.years !== null) return words.daysFrom(words.years(rule.years), rule.from);
  return rule.days === null
    ? words.byColumn(rule.period ?? '', rule.from)
    : words.daysFrom(words.days(rule.days), rule.from);
}

function ruleColumns(floorDays: number): readonly DataColumn<ExpiryRule>[] {
  return [
    {
      id: 'rule',
      title: titles.rule,
      width: 'minmax(192px, 1.1fr)',
      cell: (rule) => <CellText>{rule.years === null ? rule.title : words.keptRows(rule.title)}</CellText>,
      sort: (rule) => rule.title,
    },
    {
      id: 'where',
      title: titles.where,
      width: 'minmax(136px, 0.7fr)',
      cell: (rule) => <CellText>{rule.collection}</CellText>,
      sort: (rule) => rule.collection,
    },
    {
      id: 'after',
      title: titles.after,
      width: 'minmax(352px, 1.6fr)',
      cell: (rule) => <CellText>{daysOf(rule)}</CellText>,
    },
    {
      id: 'what',
      title: titles.what,
      width: 'minmax(152px, 1.1fr)',
      cell: (rule) => (
        <CellText>{rule.overwrites === null ? words.deletes : words.overwrites(rule.overwrites)}</CellText>
      ),
    },
    {
      id: 'law',
      title: titles.law,
      width: 'minmax(152px, 0.8fr)',
      cell: (rule) =>
        floorDays === 0 || rule.years !== null || (rule.days !== null && rule.days >= floorDays) ? (
          <CellText>{rule.ground ?? (floorDays === 0 ? words.noLaw : words.days(floorDays))}</CellText>
        ) : (
          <Status tone="warn">{words.longerThan(floorDays)}</Status>
        ),
    },
  ];
}

const sum = (plan: RetentionPlan): number => plan.lines.reduce((all, line) => all + line.planned, 0);

const planColumns: readonly DataColumn<RetentionPlan>[] = [
  numberColumn('plan', titles.plan),
  {
    id: 'state',
    title: titles.state,
    width: 'minmax(176px, 1fr)',
    cell: (plan) =>
      plan.run?.state === 'incomplete' ? (
        <Status tone="bad">{words.unfinished}</Status>
      ) : (
        <Status tone={planTones[plan.state]}>{words.state[plan.state]}</Status>
      ),
    sort: (plan) => plan.state,
  },
  timeColumn('made', titles.made, (plan) => plan.madeAt),
  staffColumn('by', titles.by, (plan) => plan.madeBy),
  figureColumn('due', titles.due, '112px', sum),
  figureColumn('done', titles.done, '112px', (plan) =>
    plan.run === null ? null : plan.run.steps.reduce((all, step) => all + step.done, 0),
  ),
];

/** What expires by the data map: rules, laws that ask for longer, standing approvals, plans and their runs. */
export function Retention(): ReactNode {
  const read = useRead('retention.rules', {}, { every: 30_000 });
  const plans = useRead('retention.plans', {}, { every: 10_000 });
  const navigate = useNavigate();
  return (
    <Page title={words.title} lead={words.lead} actions={<Actions />} scrolls>
      <RetentionJobs />
      <Loaded read={read} rows={8}>
        {(all) => <Rules all={all} />}
      </Loaded>
      <Panel title={words.plans} flush>
        <Loaded read={plans} rows={4}>
          {({ plans: found }) =>
            found.length === 0 ? (
              <Empty title={words.plansEmpty} text={words.plansEmptyHint} />
            ) : (
              <DataTable
                label={words.plans}
                columns={planColumns}
                rows={found}
                rowKey={(plan) => String(plan.id)}
                grows
                takesKeys
                onOpen={(plan) => void navigate(paths.retentionPlan(plan.id))}
              />
            )
          }
        </Loaded>
      </Panel>
      <Media />
    </Page>
  );
}

function Rules(props: { readonly all: RetentionRules }): ReactNode {
  const { all } = props;
  return (
    <>
      <Note tone={all.floorDays > 0 ? 'warn' : 'info'}>
        {all.floorDays > 0 ? words.clashOn(all.floorDays) : words.clashOff}
      </Note>
      <Panel title={words.rules} flush>
        {all.rules.length === 0 ? (
          <Empty title={words.noRules} text={words.noRulesHint} />
        ) : (
          <DataTable
            label={words.rules}
            columns={ruleColumns(all.floorDays)}
            rows={all.rules}
            rowKey={(rule) => `${rule.collection}.${rule.rule}`}
            grows
          />
        )}
      </Panel>
      <div className={styles['two']}>
        <Floors floors={all.floors} />
        <Standings standings={all.standings} />
      </div>
    </>
  );
}

function Actions(): ReactNode {
  const works = useMay(['operator']);
  const [opened, setOpened] = useState(false);
  const [saving, setSaving] = useState(false);
  async function save(): Promise<void> {
    setSaving(true);
    try {
      const { file } = await call('dialogs.chooseFile', { purpose: 'save', suggested: words.reportName });
      if (file !== null) tell(words.reportSaved((await call('retention.saveReport', { file })).file));
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    } finally {
      setSaving(false);
    }
  }
  return (
    <>
      <Button variant="default" loading={saving} onClick={() => void save()}>
        {words.report}
      </Button>
      {works ? (
        <Button
          onClick={() => {
            setOpened(true);
          }}
        >
          {words.make}
        </Button>
      ) : null}
      <Modal
        opened={opened}
        onClose={() => {
          setOpened(false);
        }}
        title={words.makeTitle}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        <Make
          onDone={() => {
            setOpened(false);
          }}
        />
      </Modal>
    </>
  );
}

/** Where a plan is counted; its page opens with the job that counts. */
function Make(props: { readonly onDone: () => void }): ReactNode {
  const [byPartition, setByPartition] = useState(false);
  const make = useWrite('retention.plan', () => {
    props.onDone();
  });
  return (
    <form
      className={formStyles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate({ byPartition });
      }}
    >
      <p>{words.makeText}</p>
      <Checkbox
        label={words.byPartition}
        description={words.byPartitionHint}
        checked={byPartition}
        onChange={(event) => {
          setByPartition(event.currentTarget.checked);
        }}
      />
      {make.error ? <FailureNote failure={make.error} /> : null}
      <div className={formStyles['buttons']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" loading={make.isPending}>
          {words.make}
        </Button>
      </div>
    </form>
  );
}
