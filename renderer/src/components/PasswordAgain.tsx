import { PasswordInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { useSession } from '../client/session.ts';

/** Whether approving asks for the password of one's login again; that of a demo is nobody's secret. */
export function useAsksPassword(): boolean {
  return !useSession().profile.startsWith('demo:');
}

/** Where one's own password is typed for an approval; nothing where it isn't asked for. */
export function PasswordAgain(props: {
  readonly value: string;
  readonly onChange: (password: string) => void;
}): ReactNode {
  const asked = useAsksPassword();
  if (!asked) return null;
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
