import { z } from 'zod';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { ErasureCertificate } from '#shared/contract/erasure.ts';
import { findRow, outcomeRow, toFind, toOutcomes } from './plan.ts';

const remains = z.object({
  at: z.string(),
  autovacuum: z.boolean(),
  backupDays: z.number(),
  backupsUntil: z.string(),
  deadRows: z.number(),
  uncleaned: z.number(),
  oldestSnapshot: z.string().nullable(),
  walArchived: z.boolean(),
  walMegabytes: z.number(),
});

/** The canonical text that the database writes when a run has ended. */
const written = z.object({
  certificate: z.literal(1),
  actors: z.object({ planned: z.string(), approved: z.array(z.string()), ran: z.string() }),
  entries: z.array(z.number()),
  started: z.string(),
  finished: z.string(),
  map: z.string(),
  plan: z.string(),
  request: z.number(),
  subject: z.string(),
  kind: z.string(),
  controller: z.string().nullable(),
  kept: z.array(
    z.object({
      collection: z.string(),
      rows: z.number(),
      because: z.string().nullable(),
      until: z.string().nullable(),
    }),
  ),
  tasks: z.array(
    z.object({ title: z.string(), owner: z.string(), by: z.string(), done: z.string(), entry: z.number() }),
  ),
  uploads: z.number().nullable(),
  outcomes: z.array(outcomeRow),
  finds: z.array(findRow),
  remains,
  steps: z.array(
    z.object({
      collection: z.string(),
      action: z.enum(['quiesce', 'hand_over', 'objects', 'detach', 'delete', 'anonymise', 'keep']),
      planned: z.number(),
      done: z.number(),
      left: z.number(),
    }),
  ),
});

/**
 * What a certificate says, with the titles of the map; a collection that has left the map since goes by its name.
 * @param text as the database keeps it
 */
export function readCertificate(text: string, collections: readonly MappedCollection[]): ErasureCertificate {
  const { actors, kept, steps, request, ...rest } = written.parse(JSON.parse(text));
  const place = (name: string): { readonly title: string; readonly where: string } => {
    const found = collections.find((each) => each.name === name);
    return { title: found?.title ?? name, where: found?.table ?? name };
  };
  const bucket = {
    title: 'Objects in R2',
    where:
      collections
        .filter((each) => each.kinds.includes(rest.kind))
        .flatMap((each) => each.objectPrefix ?? [])
        .join(', ') || 'R2',
  };
  return {
    subject: rest.subject,
    kind: rest.kind,
    controller: rest.controller,
    requestId: request,
    plan: rest.plan,
    map: rest.map,
    ...actors,
    started: rest.started,
    finished: rest.finished,
    // What is kept has its own list.
    steps: steps
      .filter((step) => step.action !== 'keep')
      .map(({ collection, ...step }) => ({
        ...(step.action === 'objects' ? bucket : place(collection)),
        ...step,
      })),
    kept: kept.map(({ collection, ...line }) => ({ ...place(collection), ...line })),
    tasks: rest.tasks,
    uploads: rest.uploads,
    outcomes: [...toOutcomes(rest.outcomes, collections)],
    finds: rest.finds.map((each) => toFind(each, collections)),
    remains: rest.remains,
    entries: rest.entries,
  };
}
