import type { InputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from './notices.tsx';
import { useRead, useWrite } from './queries.ts';
import { useMay, useSession } from './session.ts';

/**
 * What the dialog that places a legal hold needs, wherever it is opened.
 * @param anywhere whether tables and records can be chosen in it
 */
export function usePlacingHold(anywhere = false) {
  const may = useMay(['operator', 'approver', 'admin']);
  const { login } = useSession();
  const staff = useRead('staff.list', {}, { enabled: may });
  const map = useRead('map.show', {}, { enabled: may && anywhere });
  const place = useWrite('holds.place', ({ hold, entry }) => {
    tell(en.holds.placed(hold), entry);
  });
  return {
    may,
    me: login,
    staff: (staff.data?.staff ?? [])
      .filter((member) => member.active)
      .map((member) => ({ value: member.login, label: member.person })),
    collections: (map.data?.collections ?? []).map((each) => ({ value: each.name, label: each.title })),
    pending: place.isPending,
    failure: place.error,
    reset: place.reset,
    place: (hold: InputOf<'holds.place'>, onDone: () => void) => {
      place.mutate(hold, { onSuccess: onDone });
    },
  };
}
