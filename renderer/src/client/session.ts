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
