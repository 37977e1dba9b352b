import type { Pool } from '#core/database/pool.ts';
import type { Ask } from '#core/dataMap/catalogue.ts';
import { draftText, mergeText } from '#core/dataMap/draft/document.ts';
import { draftMap } from '#core/dataMap/draft/draftMap.ts';
import type { OutputOf } from '#shared/contract/index.ts';

/** A table that takes longer to count is named instead; it would hold up the platform too. */
const countTimeoutMs = 5_000;
const catalogueTimeoutMs = 60_000;

export interface DraftInput {
  readonly subject: string | null;
  readonly sample: boolean;
  readonly merge: { readonly file: string; readonly text: string } | null;
  readonly signal: AbortSignal;
}

/** Drafts a map in a session that can't change anything. */
export async function draft(pool: Pool, input: DraftInput): Promise<OutputOf<'map.draft'>> {
  const { signal } = input;
  return pool.withClient(
    async (client) => {
      await client.query('set default_transaction_read_only = on');
      const asking =
        (timeoutMs: number): Ask =>
        async (text, values) =>
          (await client.query(text, values, { signal, timeoutMs })).rows;
      const drafted = await draftMap(asking(catalogueTimeoutMs), {
        subject: input.subject,
        count: input.sample ? asking(countTimeoutMs) : null,
        signal,
      });
      const merged =
        input.merge === null
          ? { text: draftText(drafted), added: [], gone: [], undecided: drafted.undecided }
          : mergeText(drafted, input.merge.text, input.merge.file);
      return {
        text: merged.text,
        subject: drafted.subject.table,
        collections: drafted.collections.length,
        columns: drafted.collections.reduce((count, each) => count + each.columns.length, 0),
        ignored: drafted.ignored.length,
        undecided: [...merged.undecided],
        reported: [...drafted.reported],
        added: [...merged.added],
        gone: [...merged.gone],
      };
    },
    { signal },
  );
}
