import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { inventoryOf } from '#core/dataMap/explain/inventory.ts';
import { titleOf } from '#core/dataMap/compile.ts';
import { mapFromCanonical, type Collection } from '#core/dataMap/map.ts';
import { translationsInto } from '#core/dataMap/translations.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { PageLanguage } from '#shared/contract/exports.ts';
import type { PageInformation } from './page/page.ts';

/** What a person may ask for: GDPR Art. 15(1)(e) and (f), Art. 16 to 21; DPDP Act 2023, s. 11 to 14. */
const rights = [
  'access to the data and a copy of it (GDPR Art. 15, DPDP Act s. 11)',
  'correction (GDPR Art. 16, DPDP Act s. 12)',
  'erasure, except what a law requires to be kept (GDPR Art. 17, DPDP Act s. 12)',
  'restriction of processing (GDPR Art. 18)',
  'a copy in a machine-readable form (GDPR Art. 20)',
  'objection to processing (GDPR Art. 21)',
  'withdrawal of consent (GDPR Art. 7(3), DPDP Act s. 6)',
  'redress of grievances, and a complaint to a supervisory authority or the Data Protection Board of India (GDPR Art. 77, DPDP Act s. 13)',
] as const;

const sources = {
  provided: 'given by the person',
  observed: 'seen of how the platform is used',
  derived: 'worked out from other data',
} as const;

/** What goes with a copy; what the data map doesn't state is null. */
export interface Information {
  readonly policy: string;
  readonly controller: string | null;
  readonly contact: string | null;
  /** Who else decides about such people's data, in a sentence. */
  readonly decidedBy: string | null;
  readonly transfers: string | null;
  readonly collections: readonly {
    readonly name: string;
    readonly title: string;
    readonly purpose: string | null;
    readonly categories: readonly string[];
    readonly recipients: readonly string[] | null;
    readonly retention: string | null;
    /** The law by which its rows are kept. */
    readonly kept: string | null;
    readonly sources: readonly string[];
  }[];
  readonly rights: readonly string[];
}

/**
 * What goes with a copy (GDPR Art. 15(1)): by collection the purposes, categories, recipients, how long, and the
 * source, as far as the data map states it; and the person's rights. With what the map's texts are in a language.
 */
export async function informationOf(
  reader: Reader,
  collections: readonly MappedCollection[],
  controller: string | null,
  language: PageLanguage,
): Promise<{
  readonly information: Information;
  readonly page: readonly PageInformation[];
  readonly translations: ReadonlyMap<string, string>;
}> {
  const { text } = await reader.row(
    sql`select text from privacy_console.installed_map()`,
    z.object({ text: z.string() }),
  );
  const map = mapFromCanonical(text);
  const { record, entries } = inventoryOf(map);
  const information: Information = {
    policy: map.policy,
    controller: map.record?.controller ?? null,
    contact: map.record?.contact ?? null,
    decidedBy: controller,
    transfers: record.find((each) => each.what === 'Transfers to third countries')?.says ?? null,
    collections: collections.map(({ name, title, columns }) => {
      const entry = entries.find((each) => each.collection === name);
      return {
        name,
        title,
        purpose: entry?.purpose ?? null,
        categories: [...new Set(columns.map((column) => column.category))].sort(),
        recipients: entry?.recipients ?? null,
        retention: entry?.retention ?? null,
        kept: entry?.ground ?? null,
        sources: [...new Set(columns.map((column) => sources[column.origin]))],
      };
    }),
    rights,
  };
  const keptOf = (name: string): PageInformation['kept'] =>
    Object.hasOwn(map.collections, name) ? keptByLaw(map.collections[name]) : [];
  return {
    information,
    page: forPage(information, keptOf),
    translations: translationsInto(map, language),
  };
}

function keptByLaw(held: Collection | undefined): PageInformation['kept'] {
  const kept = Object.values(held?.erasure ?? {}).flatMap((does) =>
    does.action === 'keep'
      ? [
          {
            ground: does.ground,
            years: does.years,
            from: held?.columns[does.from]?.title ?? titleOf(does.from),
          },
        ]
      : [],
  );
  return [...new Map(kept.map((each) => [JSON.stringify(each), each])).values()];
}

/** The same for the page a person reads; what isn't stated is left out there. */
function forPage(
  information: Information,
  keptOf: (collection: string) => PageInformation['kept'],
): readonly PageInformation[] {
  const says = (
    ...pairs: readonly (readonly [
      PageInformation['says'][number]['what'],
      string | readonly string[] | null,
    ])[]
  ): PageInformation['says'] =>
    pairs.flatMap(([what, text]) =>
      text === null || text.length === 0 ? [] : [{ what, texts: typeof text === 'string' ? [text] : text }],
    );
  const { controller, contact, decidedBy, transfers } = information;
  return [
    {
      title: null,
      says: says(
        ['controller', controller],
        ['contact', contact],
        ['decidedBy', decidedBy],
        ['transfers', transfers],
        ['rights', information.rights],
      ),
      kept: [],
    },
    ...information.collections.map(
      ({ name, title, purpose, categories, recipients, retention, sources: from }) => ({
        title,
        says: says(
          ['purpose', purpose],
          ['categories', categories],
          ['recipients', recipients],
          ['retention', retention],
          ['sources', from],
        ),
        kept: keptOf(name),
      }),
    ),
  ];
}
