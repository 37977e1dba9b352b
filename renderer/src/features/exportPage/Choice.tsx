import { Checkbox, Radio, Textarea } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import type { ReactNode } from 'react';
import { exportProfiles } from '#shared/domain/exportProfiles.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Dim } from '../../components/Basics.tsx';
import { needsReason, ofKind, type Chosen } from './chosen.ts';
import styles from './exportPage.module.css';

const words = en.exportPage;

/** What the package is for, whether it shows other people, and why, where that has to be said. */
export function Choice(props: {
  readonly kind: string | null;
  readonly chosen: Chosen;
  readonly onChange: (chosen: Chosen) => void;
}): ReactNode {
  const { kind, chosen, onChange } = props;
  const map = useRead('map.show', {});
  const others = ofKind(map.data?.collections ?? [], kind).flatMap((collection) =>
    collection.columns
      .filter((column) => kind !== null && column.thirdParty.includes(kind))
      .map((column) => `${collection.title}: ${column.title}`),
  );
  return (
    <div className={styles['form']}>
      <Radio.Group
        aria-label={words.purpose}
        value={chosen.profile}
        onChange={(profile) => {
          onChange({ ...chosen, profile });
        }}
      >
        <div className={styles['choices']}>
          {exportProfiles.map((profile) => (
            <Radio
              key={profile}
              value={profile}
              size="xs"
              label={words.profile[profile]}
              description={words.profileHint[profile]}
            />
          ))}
        </div>
      </Radio.Group>
      {chosen.profile === 'custom' ? (
        <div className={styles['row']}>
          {(['since', 'until'] as const).map((end) => (
            <DatePickerInput
              key={end}
              className={styles['grow'] ?? ''}
              label={words[end]}
              valueFormat="D MMM YYYY"
              clearable
              clearButtonProps={{ 'aria-label': words.clear(words[end]) }}
              value={chosen[end]}
              onChange={(day) => {
                onChange({ ...chosen, [end]: day });
              }}
            />
          ))}
        </div>
      ) : null}
      {others.length > 0 && chosen.profile !== 'portability' ? (
        <div>
          <Checkbox
            size="xs"
            label={words.showOthers}
            description={words.showOthersHint}
            checked={chosen.showOthers}
            onChange={(event) => {
              onChange({ ...chosen, showOthers: event.currentTarget.checked });
            }}
          />
          <p className={styles['others']}>
            <Dim>{others.join(' · ')}</Dim>
          </p>
        </div>
      ) : null}
      {needsReason(chosen) ? (
        <Textarea
          label={words.reason}
          description={words.reasonHint}
          autosize
          minRows={2}
          maxRows={5}
          maxLength={2_000}
          required
          value={chosen.reason}
          onChange={(event) => {
            onChange({ ...chosen, reason: event.currentTarget.value });
          }}
        />
      ) : null}
    </div>
  );
}
