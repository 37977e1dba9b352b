import { Button, Checkbox, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import type { CustodyRow } from '#shared/contract/delivery.ts';
import type { ExportRow, PageLanguage } from '#shared/contract/exports.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { mediumLabel, nextEvents, type RecordedEvent } from '#shared/domain/custody.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { copy, tell, tellFailure } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import {
  Dim,
  Empty,
  Facts,
  FailureNote,
  Hash,
  Loaded,
  Note,
  Page,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import { formatBytes } from '../../components/format.ts';
import { staffColumn, timeColumn } from '../../components/recordColumns.tsx';
import { paths } from '../../paths.ts';
import styles from './exportPage.module.css';

const words = en.delivery;

/** One package on its way: onto a medium, with its sheet, and who has it. */
export function DeliveryPage(): ReactNode {
  const id = Number(useParams()['id']);
  const read = useRead('exports.list', {});
  return (
    <Loaded read={read} rows={8} page={words.titleFor(id)}>
      {({ exports }) => {
        const found = exports.find((each) => each.id === id);
        return found === undefined ? (
          <Page title={words.titleFor(id)}>
            <Empty centre title={words.unknown} />
          </Page>
        ) : (
          <ForPackage key={id} row={found} />
        );
      }}
    </Loaded>
  );
}

function ForPackage(props: { readonly row: ExportRow }): ReactNode {
  const { row } = props;
  const custody = useRead('custody.list', { exportId: row.id }, { every: 30_000 });
  const writes = useMay(['operator']);
  const records = useMay(['operator', 'approver']);
  const held = custody.data?.custody ?? [];
  return (
    <Page
      title={words.titleFor(row.id)}
      lead={
        <Link to={paths.exportOf(row.requestId)}>
          {en.common.request(row.requestId)}, {row.subject}
        </Link>
      }
      scrolls
    >
      <div className={styles['columns']}>
        <div className={styles['stack']}>
          <Panel title={words.custody} flush>
            <Loaded read={custody} rows={3}>
              {() =>
                held.length === 0 ? (
                  <Empty title={words.none} text={words.noneText} />
                ) : (
                  <DataTable
                    label={words.custody}
                    columns={custodyColumns}
                    rows={held}
                    rowKey={(each) => String(each.id)}
                    grows
                  />
                )
              }
            </Loaded>
          </Panel>
          {records && row.state === 'done' ? <Record row={row} held={held} /> : null}
        </div>
        <div className={styles['stack']}>
          <Panel title={en.request.package(row.id)}>
            <Facts
              facts={[
                [en.exportPage.columns.state, en.request.exportState[row.state]],
                row.sha256 === null ? null : [en.exportPage.sha256, <Hash key="sha256" text={row.sha256} />],
                row.bytes === null ? null : [en.exportPage.size, formatBytes(row.bytes)],
              ]}
            />
          </Panel>
          {row.state !== 'done' ? (
            <Note tone="warn">{words.notDone}</Note>
          ) : writes ? (
            <Write row={row} />
          ) : null}
        </div>
      </div>
    </Page>
  );
}

const custodyColumns: readonly DataColumn<CustodyRow>[] = [
  {
    id: 'medium',
    title: words.columns.medium,
    width: 'minmax(112px, 1fr)',
    cell: (row) => <CellText>{row.medium}</CellText>,
    sort: (row) => row.medium,
  },
  {
    id: 'event',
    title: words.columns.event,
    width: 'minmax(184px, 1fr)',
    cell: (row) => <Status tone={words.tone[row.event]}>{words.event[row.event]}</Status>,
    sort: (row) => row.event,
  },
  {
    id: 'note',
    title: words.columns.note,
    width: 'minmax(120px, 1.4fr)',
    cell: (row) => <CellText dim={row.note === null}>{row.note ?? en.common.nothing}</CellText>,
  },
  staffColumn('by', words.columns.by, (row) => row.by),
  timeColumn('at', words.columns.at, (row) => row.at),
];

function Write(props: { readonly row: ExportRow }): ReactNode {
  const { row } = props;
  const jobs = useRead('jobs.list', {});
  const known = (jobs.data?.jobs ?? []).find(
    (job) => job.kind === 'export' && job.result?.['exportId'] === row.id,
  )?.result?.['file'];
  const [chosenFile, setFile] = useState<string | null>(null);
  const file = chosenFile ?? (typeof known === 'string' ? known : null);
  const [folder, setFolder] = useState<string | null>(null);
  const [medium, setMedium] = useState('');
  const [split, setSplit] = useState(false);
  const [megabytes, setMegabytes] = useState<string | number>(4_000);
  const [language, setLanguage] = useState<PageLanguage>('en');
  const room = useRead('delivery.inspect', { folder: folder ?? '' }, { enabled: folder !== null });
  const write = useWrite('delivery.write', ({ entry }) => {
    tell(words.started, entry);
  });
  const job = (jobs.data?.jobs ?? []).find((each) => each.id === write.data?.jobId);
  const running = job !== undefined && isUnderWay(job);
  const labelled = mediumLabel.test(medium);
  const possible = file !== null && folder !== null && labelled && !running && !write.isPending;
  const largest = room.data?.largestFileBytes ?? null;
  const needsSplit = largest !== null && (row.bytes ?? 0) > largest && !split;

  async function choose(kind: 'file' | 'folder'): Promise<void> {
    try {
      if (kind === 'file') {
        const { file: found } = await call('dialogs.chooseFile', { purpose: 'open' });
        if (found !== null) setFile(found);
      } else {
        const { folder: found } = await call('dialogs.chooseFolder', {});
        if (found !== null) setFolder(found);
      }
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }

  return (
    <>
      <Panel title={words.write}>
        <form
          className={styles['form']}
          onSubmit={(event) => {
            event.preventDefault();
            if (possible)
              write.mutate({
                exportId: row.id,
                file,
                folder,
                medium,
                language,
                ...(split ? { volumeBytes: Number(megabytes) * 1_000_000 } : {}),
              });
          }}
        >
          <div className={styles['row']}>
            <span className={styles['folder']}>{file ?? <Dim>{words.noFile}</Dim>}</span>
            <Button variant="default" onClick={() => void choose('file')}>
              {words.chooseFile}
            </Button>
          </div>
          <div className={styles['row']}>
            <span className={styles['folder']}>{folder ?? <Dim>{words.noMedium}</Dim>}</span>
            <Button variant="default" onClick={() => void choose('folder')}>
              {words.chooseMedium}
            </Button>
          </div>
          {room.data === undefined || folder === null ? null : (
            <Dim>{words.room(formatBytes(room.data.freeBytes))}</Dim>
          )}
          {room.error && folder !== null ? <FailureNote failure={room.error} /> : null}
          {needsSplit ? <Note tone="warn">{words.tooLarge}</Note> : null}
          <TextInput
            label={words.label}
            description={words.labelHint}
            maxLength={40}
            error={medium !== '' && !labelled ? words.labelRule : null}
            value={medium}
            onChange={(event) => {
              setMedium(event.currentTarget.value);
            }}
          />
          <Checkbox
            label={words.split}
            checked={split}
            onChange={(event) => {
              setSplit(event.currentTarget.checked);
            }}
          />
          {split ? (
            <NumberInput
              label={words.volumeSize}
              min={2}
              max={1_000_000}
              allowDecimal={false}
              value={megabytes}
              onChange={setMegabytes}
            />
          ) : null}
          <Select
            label={words.language}
            allowDeselect={false}
            value={language}
            onChange={(value) => {
              setLanguage(value ?? 'en');
            }}
            data={[
              { value: 'en', label: words.languages.en },
              { value: 'hi', label: words.languages.hi },
            ]}
          />
          {write.error ? <FailureNote failure={write.error} /> : null}
          <div>
            <Button type="submit" disabled={!possible} loading={write.isPending}>
              {words.writeAction}
            </Button>
          </div>
        </form>
      </Panel>
      {job === undefined ? null : <Written job={job} />}
    </>
  );
}

function Written(props: { readonly job: Job }): ReactNode {
  const { job } = props;
  if (isUnderWay(job))
    return (
      <Panel title={words.writing}>
        <JobLine
          job={job}
          onCancel={(id) => {
            void call('jobs.cancel', { id }).catch(() => undefined);
          }}
        />
      </Panel>
    );
  if (job.state === 'cancelled') return <Note>{words.cancelled}</Note>;
  if (job.state === 'failed' || job.result === null)
    return job.failure === null ? null : <FailureNote failure={job.failure} />;
  const { sheet, files } = job.result;
  return (
    <Panel title={words.done}>
      <Facts
        facts={[
          [
            words.files,
            (files as readonly string[]).map((each) => <Reference key={each} text={each} onCopy={copy} />),
          ],
          [words.sheet, <Reference key="sheet" text={String(sheet)} onCopy={copy} />],
        ]}
      />
      <p style={{ marginTop: 8 }}>
        <Dim>{words.doneText}</Dim>
      </p>
    </Panel>
  );
}

function Record(props: { readonly row: ExportRow; readonly held: readonly CustodyRow[] }): ReactNode {
  const { row, held } = props;
  const media = [...new Map(held.map((each) => [each.medium, each.event] as const))].filter(
    ([, last]) => nextEvents(last).length > 0,
  );
  const [chosen, setChosen] = useState<string | null>(null);
  const medium = media.find(([name]) => name === chosen) ?? media[0];
  const [event, setEvent] = useState<RecordedEvent | null>(null);
  const [note, setNote] = useState('');
  const record = useWrite('custody.record', ({ entry }) => {
    tell(words.recorded, entry);
    setEvent(null);
    setNote('');
  });
  if (medium === undefined) return null;
  const possible = nextEvents(medium[1]);
  const next = event !== null && possible.includes(event) ? event : possible[0];
  const needsNote = next === 'handed_over' || next === 'received';
  return (
    <Panel title={words.record}>
      <form
        className={styles['form']}
        onSubmit={(submitted) => {
          submitted.preventDefault();
          if (next !== undefined && (!needsNote || note.trim().length >= 3))
            record.mutate({
              exportId: row.id,
              medium: medium[0],
              event: next,
              ...(note.trim() === '' ? {} : { note: note.trim() }),
            });
        }}
      >
        <Select
          label={words.columns.medium}
          allowDeselect={false}
          value={medium[0]}
          onChange={setChosen}
          data={media.map(([name]) => name)}
        />
        <Select
          label={words.columns.event}
          allowDeselect={false}
          value={next ?? null}
          onChange={setEvent}
          data={possible.map((value) => ({ value, label: words.event[value] }))}
        />
        <Textarea
          label={words.note}
          description={words.noteHint}
          autosize
          minRows={1}
          maxRows={3}
          maxLength={500}
          required={needsNote}
          value={note}
          onChange={(changed) => {
            setNote(changed.currentTarget.value);
          }}
        />
        {record.error ? <FailureNote failure={record.error} /> : null}
        <div>
          <Button
            type="submit"
            disabled={next === undefined || (needsNote && note.trim().length < 3)}
            loading={record.isPending}
          >
            {words.recordAction}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
