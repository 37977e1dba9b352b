import { PasswordInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';

/** Where one's own password is typed for an approval. */
export function PasswordAgain(props: {
  readonly value: string;
  readonly onChange: (password: string) => void;
}): ReactNode {
  return (
    <PasswordInput
      label={en.passwordAgain.label}
      description={en.passwordAgain.hint}
      autoComplete="current-password"
      value={props.value}
      onChange={(event) => {
        props.onChange(event.currentTarget.value);
      }}
    />
  );
}
