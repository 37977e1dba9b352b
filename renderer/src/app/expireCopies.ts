import { useEffect } from 'react';
import { permits } from '#shared/domain/roles.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../client/call.ts';
import { tell, tellFailure } from '../client/notices.tsx';
import { useSession } from '../client/session.ts';

/** When an operator signs in, the packages that have lain on this computer long enough go. */
export function useExpireCopies(): void {
  const { roles, trailFault } = useSession();
  const works = trailFault === null && permits(['operator'], roles);
  useEffect(() => {
    if (!works) return;
    call('copies.expire', {}).then(
      ({ shredded }) => {
        if (shredded > 0) tell(en.delivery.expired(shredded));
      },
      (error: unknown) => {
        if (error instanceof CallFailed) tellFailure(error);
      },
    );
  }, [works]);
}
