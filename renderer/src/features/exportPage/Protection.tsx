import { Radio, Textarea } from '@mantine/core';
import type { ReactNode } from 'react';
import type { InputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { copy } from '../../client/notices.tsx';
import { Note, Reference } from '../../components/Basics.tsx';
import styles from './exportPage.module.css';

const words = en.exportPage.protection;
const kinds = ['passphrase', 'recipients', 'none'] as const;

/** How a package is to be encrypted, as it is being chosen. */
export interface Protected {
  readonly kind: (typeof kinds)[number];
  /** As typed: keys apart by spaces or lines. */
  readonly recipients: string;
}

export function asProtection({ kind, recipients }: Protected): InputOf<'exports.start'>['protection'] {
  return kind === 'recipients' ? { kind, recipients: keysIn(recipients) } : { kind };
}

/** Whether keys are asked for and none is given yet. */
export function lacksKeys({ kind, recipients }: Protected): boolean {
  return kind === 'recipients' && keysIn(recipients).length === 0;
}

function keysIn(text: string): string[] {
  return text.split(/\s+/).filter((key) => key !== '');
}

/** Whether the package is encrypted, and for whom. */
export function Protection(props: {
  readonly chosen: Protected;
  readonly onChange: (chosen: Protected) => void;
}): ReactNode {
  const { chosen, onChange } = props;
  return (
    <div className={styles['form']}>
      <Radio.Group
        label={words.title}
        value={chosen.kind}
        onChange={(kind) => {
          onChange({ ...chosen, kind });
        }}
      >
        <div className={styles['choices']}>
          {kinds.map((kind) => (
            <Radio
              key={kind}
              value={kind}
              size="xs"
              label={words.kind[kind]}
              description={words.kindHint[kind]}
            />
          ))}
        </div>
      </Radio.Group>
      {chosen.kind === 'recipients' ? (
        <Textarea
          label={words.recipients}
          description={words.recipientsHint}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={2_000}
          spellCheck={false}
          required
          value={chosen.recipients}
          onChange={(event) => {
            onChange({ ...chosen, recipients: event.currentTarget.value });
          }}
        />
      ) : null}
    </div>
  );
}

/** The passphrase of the package that was just begun; gone with this page. */
export function Passphrase(props: { readonly text: string }): ReactNode {
  return (
    <Note tone="warn">
      <p>{words.once}</p>
      <p>
        <Reference text={props.text} onCopy={copy} />
      </p>
    </Note>
  );
}
