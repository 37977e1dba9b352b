import { useState } from 'react';
import { useRead } from './queries.ts';
import type { Session } from '#shared/contract/connections.ts';
import { permits, type Permission } from '#shared/domain/roles.ts';

/** Who is signed in. Only for screens inside the frame, which is not there without a session. */
export function useSession(): Session {
  const current = useRead('session.current', {});
  const session = current.data?.session;
  if (!session) throw new Error('A screen of the frame was shown without a session.');
  return session;
}

/** Whether the person signed in may use something; the core and the database check it again. */
export function useMay(permission: Permission): boolean {
  return permits(permission, useSession().roles);
}

/** The password typed for an approval; a demo's login asks for none. */
export interface PasswordAsked {
  readonly asked: boolean;
  readonly value: string;
  readonly change: (password: string) => void;
  /** Whether an approval can be sent. */
  readonly given: boolean;
  /** What goes with it. */
  readonly sent: { readonly password?: string };
}

/** Approving asks for the password of one's login again; that of a demo is nobody's secret. */
export function usePasswordAgain(): PasswordAsked {
  const asked = !useSession().profile.startsWith('demo:');
  const [value, change] = useState('');
  return {
    asked,
    value,
    change,
    given: !asked || value !== '',
    sent: value === '' ? {} : { password: value },
  };
}
