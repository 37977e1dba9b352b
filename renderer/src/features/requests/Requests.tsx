import { Button, Checkbox, SegmentedControl, Select } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { RequestRow } from '#shared/contract/requests.ts';
import { requestKinds } from '#shared/domain/requests.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Dim, Empty, FailureNote, Loaded, Page, Panel } from '../../components/Basics.tsx';
import { DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { requestColumns } from '../../components/requestColumns.tsx';
import { formatNumber } from '../../components/format.ts';
import { RecordRequest } from './RecordRequest.tsx';
import styles from './requests.module.css';

type Shown = 'open' | 'closed' | 'all';

/** The queue: every request, the most urgent first. */
export function Requests(): ReactNode {
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const [shown, setShown] = useState<Shown>('open');
  const [kind, setKind] = useState<string | null>(null);
  const [onlyMine, setOnlyMine] = useState(false);
  const [recording, setRecording] = useState(false);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const requests = useRead(
    'requests.list',
    { state: shown, limit: 500 },
    { every: 30_000, keepPrevious: true },
  );
  const assign = useWrite('requests.assign', ({ request, entry }) => {
    tell(en.request.taken(request.id), entry);
  });

  const rows = useMemo(
    () =>
      (requests.data?.requests ?? []).filter(
        (request) => (kind === null || request.kind === kind) && (!onlyMine || request.mine),
      ),
    [requests.data, kind, onlyMine],
  );

  function toggle(row: RequestRow): void {
    setSelected((before) => {
      const next = new Set(before);
      if (!next.delete(row.id)) next.add(row.id);
      return next;
    });
  }

  async function takeSelected(): Promise<void> {
    for (const id of selected) {
      try {
        await assign.mutateAsync({ id });
      } catch {
        // The failure is shown; the rest stays selected.
        return;
      }
    }
    setSelected(new Set());
  }

  const columns = useMemo((): readonly DataColumn<RequestRow>[] => {
    if (!works) return requestColumns.fullForOthers;
    const pick: DataColumn<RequestRow> = {
      id: 'pick',
      title: en.request.columns.pick,
      width: '56px',
      cell: (row) => (
        <Checkbox
          aria-label={en.request.selectRow(row.id)}
          checked={selected.has(row.id)}
          tabIndex={-1}
          onClick={(event) => {
            event.stopPropagation();
          }}
          onChange={() => {
            toggle(row);
          }}
        />
      ),
    };
    return [pick, ...requestColumns.full];
  }, [works, selected]);

  return (
    <Page
      title={en.request.title}
      lead={requests.data ? <Dim>{formatNumber(rows.length)}</Dim> : null}
      actions={
        works ? (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => {
              setRecording(true);
            }}
          >
            {en.request.record}
          </Button>
        ) : null
      }
    >
      <div className={styles['filters']}>
        <SegmentedControl
          aria-label={en.request.columns.state}
          value={shown}
          onChange={(value) => {
            setShown(value === 'closed' || value === 'all' ? value : 'open');
            setSelected(new Set());
          }}
          data={[
            { value: 'open', label: en.request.filterOpen },
            { value: 'closed', label: en.request.filterClosed },
            { value: 'all', label: en.request.filterAll },
          ]}
        />
        <Select
          aria-label={en.request.filterKind}
          placeholder={en.request.allKinds}
          clearable
          w={160}
          value={kind}
          onChange={setKind}
          data={requestKinds.map((value) => ({ value, label: en.request.kind[value] }))}
        />
        {works ? (
          <Checkbox
            label={en.request.onlyMine}
            checked={onlyMine}
            onChange={(event) => {
              setOnlyMine(event.currentTarget.checked);
            }}
          />
        ) : null}
        {selected.size > 0 ? (
          <div className={styles['selection']} role="status">
            <span>{en.request.selected(selected.size)}</span>
            <Button loading={assign.isPending} onClick={() => void takeSelected()}>
              {en.request.takeSelected}
            </Button>
            <Button
              variant="default"
              onClick={() => {
                setSelected(new Set());
              }}
            >
              {en.request.clearSelection}
            </Button>
          </div>
        ) : null}
      </div>
      {assign.error ? <FailureNote failure={assign.error} /> : null}
      <Panel flush className={styles['grow'] ?? ''} label={en.request.title}>
        <Loaded read={requests} rows={10}>
          {() =>
            rows.length === 0 ? (
              <Empty centre title={en.request.noRequests} text={en.request.noRequestsHint} />
            ) : (
              <DataTable
                label={en.request.title}
                columns={columns}
                rows={rows}
                rowKey={(row) => String(row.id)}
                takesKeys
                onOpen={(row) => void navigate(paths.request(row.id))}
                {...(works ? { onSelect: toggle } : {})}
              />
            )
          }
        </Loaded>
      </Panel>
      <RecordRequest
        opened={recording}
        onClose={() => {
          setRecording(false);
        }}
      />
    </Page>
  );
}
