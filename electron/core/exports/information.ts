import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { inventoryOf } from '#core/dataMap/explain/inventory.ts';
import { mapFromCanonical } from '#core/dataMap/map.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';

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

/**
 * What goes with a copy (GDPR Art. 15(1)): by collection the purposes, categories, recipients, how long, and the
 * source, as far as the data map states it; and the person's rights. What it doesn't state is null.
 */
export async function informationOf(
  at: Desk,
  collections: readonly MappedCollection[],
  controller: string | null,
): Promise<string> {
  const { text } = await at.database.row(
    sql`select text from privacy_console.installed_map()`,
    z.object({ text: z.string() }),
  );
  const map = mapFromCanonical(text);
  const { record, entries } = inventoryOf(map);
  return `${JSON.stringify(
    {
      policy: map.policy,
      controller: map.record?.controller ?? null,
      contact: map.record?.contact ?? null,
      // Where somebody else decides about such people's data.
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
    },
    null,
    2,
  )}\n`;
}
