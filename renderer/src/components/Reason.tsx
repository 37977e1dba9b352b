import { Textarea } from '@mantine/core';
import type { ReactNode } from 'react';

/** The fewest characters that say why; the core asks for as many. */
const fewest = 3;

/** Whether something is said that counts as a reason. */
export function isReason(text: string): boolean {
  return text.trim().length >= fewest;
}

/** Where somebody says why; the words go into the trail. */
export function Reason(props: {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly required?: boolean;
  /** Whether a dialog puts the caret here first. */
  readonly first?: boolean;
}): ReactNode {
  return (
    <Textarea
      label={props.label}
      description={props.hint}
      autosize
      minRows={2}
      maxRows={4}
      maxLength={2_000}
      required={props.required ?? false}
      value={props.value}
      {...(props.first === true ? { 'data-autofocus': true } : {})}
      onChange={(event) => {
        props.onChange(event.currentTarget.value);
      }}
    />
  );
}
