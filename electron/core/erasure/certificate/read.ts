import { z } from 'zod';
import type { ErasureCertificate } from '#shared/contract/erasure.ts';
import { findRow, outcomeRow } from '../plan.ts';

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
  /** Titles and tables of the collections, as the map had them. */
  places: z.record(z.string(), z.tuple([z.string(), z.string()])),
  prefixes: z.array(z.string()),
  /** When the request was received: a date. */
  received: z.string(),
  steps: z.array(
    z.object({
      collection: z.string(),
      action: z.enum([
        'quiesce',
        'hand_over',
        'anonymise_shared',
        'objects',
        'detach',
        'delete',
        'anonymise',
        'keep',
      ]),
      planned: z.number(),
      done: z.number(),
      left: z.number(),
    }),
  ),
});

/**
 * What a certificate says.
 * @param text as the database keeps it
 * @throws when it is none
 */
export function readCertificate(text: string): ErasureCertificate {
  const { actors, kept, steps, request, places, prefixes, ...rest } = written.parse(JSON.parse(text));
  const place = (name: string): { readonly title: string; readonly where: string } => {
    const [title, where] = (Object.hasOwn(places, name) ? places[name] : undefined) ?? [name, name];
    return { title, where };
  };
  const bucket = { title: 'Objects in R2', where: prefixes.join(', ') || 'R2' };
  return {
    subject: rest.subject,
    kind: rest.kind,
    controller: rest.controller,
    requestId: request,
    received: rest.received,
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
    outcomes: rest.outcomes.map(({ collection, ...outcome }) => ({
      ...(collection === 'objects' ? bucket : place(collection)),
      ...outcome,
    })),
    finds: rest.finds.map(({ collection, ...find }) => ({
      ...find,
      name: `${collection}.${find.column}`,
      title: collection === 'objects' ? bucket.title : place(collection).title,
    })),
    remains: rest.remains,
    entries: rest.entries,
  };
}
