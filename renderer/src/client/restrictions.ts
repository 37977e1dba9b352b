import type { Restriction } from '#shared/contract/restrictions.ts';
import type { InputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from './notices.tsx';
import { useRead, useWrite } from './queries.ts';
import { useMay } from './session.ts';

/** The restriction of a person’s data that is in force; null where there is none, or nobody is named. */
export function useRestrictionOf(subject: string | null): Restriction | null {
  const read = useRead('restrictions.list', {}, { enabled: subject !== null, every: 30_000 });
  return read.data?.restrictions.find((each) => each.subject === subject && each.liftedAt === null) ?? null;
}

/** What the dialog needs that restricts the processing of a person’s data. */
export function useRestricting() {
  const may = useMay(['operator', 'approver']);
  const place = useWrite('restrictions.place', ({ restriction, entry }) => {
    tell(en.restrictions.placed(restriction), entry);
  });
  return {
    may,
    pending: place.isPending,
    failure: place.error,
    reset: place.reset,
    place: (wanted: InputOf<'restrictions.place'>, onDone: () => void) => {
      place.mutate(wanted, { onSuccess: onDone });
    },
  };
}

/** What the dialog needs that states an exception for a request. */
export function useExcepting() {
  const may = useMay(['operator', 'approver']);
  const except = useWrite('restrictions.except', ({ entry }, { requestId }) => {
    tell(en.restrictions.excepted(requestId), entry);
  });
  return {
    may,
    pending: except.isPending,
    failure: except.error,
    reset: except.reset,
    except: (wanted: InputOf<'restrictions.except'>, onDone: () => void) => {
      except.mutate(wanted, { onSuccess: onDone });
    },
  };
}
