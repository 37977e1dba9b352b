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

type Announcement = { readonly entry: number; readonly objects: readonly z.output<typeof announced>[] };

/**
 * Deletes the run's objects, up to a thousand at a time: announced and committed, deleted, and each one's own result told.
 * While some are being deleted the next are announced and the outcome of those before is told. Gives how many went.
 */
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

  /** Null where none are left besides those under way. */
  const announce = async (besides: number | null): Promise<Announcement | null> => {
    const { entry } = await untilLetGo(held, signal, () =>
      at.database.effect(
        sql`select privacy_console.intend_objects(${run}::bigint, 1000, ${besides}::bigint) as result`,
        intended,
        noNote,
      ),
    );
    if (entry === null) return null;
    const objects = await at.database.rows(
      sql`select number, key from privacy_console.announced_objects(${entry}::bigint)`,
      announced,
    );
    return { entry, objects };
  };
  const remove = async ({ objects }: Announcement): Promise<ReadonlySet<string>> => {
    if (objects.length > 0) bucket ??= await at.openBucket('delete');
    const outcome = await bucket?.deleteKeys(objects.map((each) => each.key));
    return new Set(outcome?.failed.map((each) => each.key));
  };
  const tell = async ({ entry, objects }: Announcement, failed: ReadonlySet<string>): Promise<number> => {
    const gone = objects.filter((each) => !failed.has(each.key)).map((each) => each.number);
    const stayed = objects.filter((each) => failed.has(each.key)).map((each) => each.number);
    const { left } = await at.database.effect(
      sql`select privacy_console.objects_deleted(${run}::bigint, ${entry}::bigint, ${gone}::bigint[], ${stayed}::bigint[]) as result`,
      z.object({ left: z.number() }),
      noNote,
    );
    deleted += gone.length;
    // None at all: another console that runs the same plan was quicker.
    if (gone.length === 0 && stayed.length > 0) {
      throw new ExpectedError(
        'object_store',
        'Some objects could not be deleted; check the token and the bucket, then resume the run.',
      );
    }
    return left;
  };

  // What is being deleted, what was and is not told yet, and what comes next.
  let removing: { readonly now: Announcement; readonly failed: Promise<ReadonlySet<string>> } | null = null;
  let untold: readonly [Announcement, ReadonlySet<string>] | null = null;
  let next: Announcement | null = null;
  try {
    for (let left = 1; left > 0;) {
      next = await announce(null);
      while (next !== null) {
        removing = { now: next, failed: remove(next) };
        removing.failed.catch(() => undefined);
        next = null;
        if (untold !== null) await tell(...untold);
        untold = null;
        next = await announce(removing.now.entry);
        untold = [removing.now, await removing.failed];
        removing = null;
      }
      if (untold !== null) left = await tell(...untold);
      untold = null;
    }
    return deleted;
  } catch (error) {
    // Whatever stopped it, the outcome of what was begun is told; of what was announced and not begun, nothing is gone.
    const ends: (readonly [Announcement, ReadonlySet<string>])[] = untold === null ? [] : [untold];
    const failed = await removing?.failed.catch(() => null);
    if (removing !== null && failed) ends.push([removing.now, failed]);
    if (next !== null) ends.push([next, new Set(next.objects.map((each) => each.key))]);
    for (const end of ends) await tell(...end).catch(() => undefined);
    throw error;
  } finally {
    (bucket as ObjectStore | null)?.close();
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
