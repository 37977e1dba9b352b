import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { InputOf } from '#shared/contract/index.ts';
import { profileFor, type ExportProfile } from '#shared/domain/exportProfiles.ts';

/** What a package is to hold, as it is being chosen. */
export interface Chosen {
  readonly profile: ExportProfile;
  /** Of a custom package: collections, and columns as `collection.column`, that stay out. */
  readonly without: readonly string[];
  readonly withoutColumns: readonly string[];
  /** Days, `YYYY-MM-DD`; the last one is in. */
  readonly since: string | null;
  readonly until: string | null;
  readonly showOthers: boolean;
  readonly reason: string;
}

export function chosenFor(requestKind: string): Chosen {
  return {
    profile: profileFor(requestKind),
    without: [],
    withoutColumns: [],
    since: null,
    until: null,
    showOthers: false,
    reason: '',
  };
}

export function needsReason({ profile, showOthers }: Chosen): boolean {
  return profile === 'custom' || showOthers;
}

export function lacksReason(chosen: Chosen): boolean {
  return needsReason(chosen) && chosen.reason.trim().length < 3;
}

/** The beginning of a day where this window is, ISO 8601; `later` days on. */
function beginningOf(day: string, later = 0): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

export function asInput(chosen: Chosen): Omit<InputOf<'exports.start'>, 'requestId' | 'folder'> {
  const { profile, without, withoutColumns, since, until, showOthers, reason } = chosen;
  return {
    profile,
    showOthers,
    ...(needsReason(chosen) ? { reason: reason.trim() } : {}),
    ...(profile === 'custom'
      ? {
          choice: {
            without: [...without],
            withoutColumns: [...withoutColumns],
            ...(since === null ? {} : { since: beginningOf(since) }),
            ...(until === null ? {} : { until: beginningOf(until, 1) }),
          },
        }
      : {}),
  };
}

/** The collections with rows of such people; all of them as long as it isn't known who it is. */
export function ofKind(
  collections: readonly MappedCollection[],
  kind: string | null,
): readonly MappedCollection[] {
  return kind === null ? collections : collections.filter((collection) => collection.kinds.includes(kind));
}
