import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import { untilLetGo } from './letGo.ts';
import { asListed, objectsAt, placesOf, type Places } from './places.ts';

const noNote: Call['note'] = () => undefined;

const intended = z.object({ entry: z.number().nullable(), held: z.string().optional() });

const announced = z.object({ number: z.coerce.number(), key: z.string() });

export async function eraseObjects(
  at: Desk,
  plan: number,
  run: number,
  held: (why: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const places = await placesOf(at, plan, signal);
  await endUploads(at, run, places, held, signal);
  const stored = await objectsAt(at, places, signal);
  const { left: found } = await at.database.effect(
    sql`select privacy_console.found_objects(${run}::bigint, ${stored.map((each) => each.key)}::text[], ${stored.map((each) => each.bytes)}::bigint[]) as result`,
    z.object({ left: z.number() }),
    noNote,
  );
  if (found === 0) return 0;
  // Opened for the first object only: a platform without a bucket has none, and is erased all the same.
  let bucket: ObjectStore | null = null;
  let deleted = 0;
  try {
    for (;;) {
      // Committed before a single object goes.
      const batch = await untilLetGo(held, signal, () =>
        at.database.effect(
          sql`select privacy_console.intend_objects(${run}::bigint, 1000) as result`,
          intended,
          noNote,
        ),
      );
      const objects = await at.database.rows(
        sql`select number, key from privacy_console.announced_objects(${batch.entry}::bigint)`,
        announced,
      );
      if (objects.length > 0) bucket ??= await at.openBucket('delete');
      const outcome = await bucket?.deleteKeys(objects.map((each) => each.key));
      const failed = new Set(outcome?.failed.map((each) => each.key));
      const gone = objects.filter((each) => !failed.has(each.key)).map((each) => each.number);
      const stayed = objects.filter((each) => failed.has(each.key)).map((each) => each.number);
      const { left } = await at.database.effect(
        sql`select privacy_console.objects_deleted(${run}::bigint, ${batch.entry}::bigint, ${gone}::bigint[], ${stayed}::bigint[]) as result`,
        z.object({ left: z.number() }),
        noNote,
      );
      deleted += gone.length;
      if (left === 0) return deleted;
      // None at all: another console that runs the same plan was quicker.
      if (gone.length === 0 && stayed.length > 0) {
        throw new ExpectedError(
          'object_store',
          'Some objects could not be deleted; check the token and the bucket, then resume the run.',
        );
      }
    }
  } finally {
    bucket?.close();
  }
}

/** Those of them that nobody completed are ended first: completed later, they would be objects again. */
async function endUploads(
  at: Desk,
  run: number,
  places: Places,
  held: (why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (places.length === 0) return;
  const intent = await untilLetGo(held, signal, () =>
    at.database.effect(
      sql`select privacy_console.intend_uploads(${run}::bigint) as result`,
      intended,
      noNote,
    ),
  );
  const bucket = await at.openBucket('delete');
  try {
    let ended: number | null = 0;
    for (const { prefix, only } of asListed(places)) {
      const outcome = await bucket.abortUploads(prefix, { signal, ...(only === null ? {} : { only }) });
      ended = outcome === 'unsupported' ? null : ended + outcome.aborted;
      if (ended === null) break;
    }
    await at.database.effect(
      sql`select privacy_console.uploads_ended(${run}::bigint, ${intent.entry}::bigint, ${ended}::bigint) as result`,
      z.object({ entry: z.number() }),
      noNote,
    );
  } finally {
    bucket.close();
  }
}
