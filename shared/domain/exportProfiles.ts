/**
 * What a package is for. `access`: a copy of all that is held (GDPR Art. 15(3), DPDP Act 2023 s. 11(1)); `portability`:
 * what the person gave and what was seen of their use, nothing worked out and nothing of others (GDPR Art. 20(1), (4));
 * `case`: all of it and the person's entries in the audit trail, for a compliance officer; `custom`: what was chosen, with the reason.
 */
export const exportProfiles = ['access', 'portability', 'case', 'custom'] as const;
export type ExportProfile = (typeof exportProfiles)[number];

/** Given by the person, seen of what they do, or worked out from it. */
export const dataOrigins = ['provided', 'observed', 'derived'] as const;
export type DataOrigin = (typeof dataOrigins)[number];

/** What a request of that kind is answered with unless something else is chosen. */
export function profileFor(requestKind: string): ExportProfile {
  return requestKind === 'export' ? 'portability' : 'access';
}

/** What is chosen of the collections; what isn't named is in. */
export interface ExportChoice {
  /** Names of collections that stay out. */
  readonly without: readonly string[];
  /** Columns that stay out, as `collection.column`. */
  readonly withoutColumns: readonly string[];
}

export interface ExportableCollection {
  readonly name: string;
  readonly origin: DataOrigin;
  readonly columns: readonly {
    readonly name: string;
    readonly origin: DataOrigin;
    /** Kinds of people for whom its values are somebody else's. */
    readonly thirdParty: readonly string[];
    /** Kinds of people whose own key it holds too: then it is masked where it is another's, and never left out. */
    readonly ownToo: readonly string[];
  }[];
}

/** Why something of the map isn't in a package. */
export const leftOutReasons = ['derived', 'third_party', 'chosen'] as const;
export interface LeftOut {
  readonly collection: string;
  /** Null when none of the collection is in. */
  readonly column: string | null;
  readonly because: (typeof leftOutReasons)[number];
}

/** What a profile leaves out of the collections of a kind of people; secrets of the platform are in no package and not told here. */
export function leftOutOf(
  profile: ExportProfile,
  kind: string,
  collections: readonly ExportableCollection[],
  choice: ExportChoice,
): readonly LeftOut[] {
  return collections.flatMap((collection): readonly LeftOut[] => {
    const { name, columns } = collection;
    if (profile === 'custom' && choice.without.includes(name))
      return [{ collection: name, column: null, because: 'chosen' }];
    const out = columns.flatMap((column): readonly LeftOut[] => {
      const told = (because: LeftOut['because']): readonly LeftOut[] => [
        { collection: name, column: column.name, because },
      ];
      if (profile === 'custom')
        return choice.withoutColumns.includes(`${name}.${column.name}`) ? told('chosen') : [];
      if (profile !== 'portability') return [];
      if (column.thirdParty.includes(kind) && !column.ownToo.includes(kind)) return told('third_party');
      return column.origin === 'derived' ? told('derived') : [];
    });
    if (out.length < columns.length || columns.length === 0) return out;
    return [{ collection: name, column: null, because: out[0]?.because ?? 'chosen' }];
  });
}
