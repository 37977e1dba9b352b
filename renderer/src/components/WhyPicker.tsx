import { SegmentedControl, Select, TextInput } from '@mantine/core';
import { IconFlag } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { RequestRow } from '#shared/contract/requests.ts';
import { en } from '#shared/strings/en.ts';
import styles from './WhyPicker.module.css';

/** Why somebody looks: a request, or a reason that is marked in the trail. */
export interface Why {
  readonly by: 'request' | 'reason';
  readonly requestId: number | null;
  readonly reason: string;
}

/** What an operation is told about the why; null while it isn't complete. */
export function whyInput(why: Why): { readonly requestId: number } | { readonly reason: string } | null {
  if (why.by === 'request') return why.requestId === null ? null : { requestId: why.requestId };
  const reason = why.reason.trim();
  return reason.length >= 3 ? { reason } : null;
}

/** Asks for the reason of a look-up, inline. */
export function WhyPicker(props: {
  readonly why: Why;
  readonly requests: readonly RequestRow[];
  readonly onChange: (why: Why) => void;
}): ReactNode {
  const { why, requests, onChange } = props;
  return (
    <div className={styles['why']} role="group" aria-label={en.why.title}>
      <SegmentedControl
        size="xs"
        value={why.by}
        onChange={(by) => {
          onChange({ ...why, by: by === 'request' ? 'request' : 'reason' });
        }}
        data={[
          { value: 'request', label: en.why.request },
          { value: 'reason', label: en.why.reason },
        ]}
      />
      {why.by === 'request' ? (
        requests.length === 0 ? (
          <span className={styles['remark']}>{en.why.noRequests}</span>
        ) : (
          <Select
            className={styles['field'] ?? ''}
            aria-label={en.why.chooseRequest}
            placeholder={en.why.chooseRequest}
            searchable
            value={why.requestId === null ? null : String(why.requestId)}
            onChange={(id) => {
              onChange({ ...why, requestId: id === null ? null : Number(id) });
            }}
            data={requests.map((request) => ({
              value: String(request.id),
              label: `${en.common.request(request.id)} · ${en.request.kind[request.kind]} · ${en.request.daysLeft(request.daysLeft)}`,
            }))}
          />
        )
      ) : (
        <>
          <TextInput
            className={styles['field'] ?? ''}
            aria-label={en.why.reasonLabel}
            placeholder={en.why.reasonPlaceholder}
            maxLength={2_000}
            value={why.reason}
            onChange={(event) => {
              onChange({ ...why, reason: event.currentTarget.value });
            }}
          />
          <span className={styles['marked']}>
            <IconFlag size={14} aria-hidden /> {en.why.marked}
          </span>
        </>
      )}
    </div>
  );
}
