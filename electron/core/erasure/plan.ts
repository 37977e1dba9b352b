import { z } from 'zod';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { ErasureFind, ErasureOutcome, ErasurePlan } from '#shared/contract/erasure.ts';

const actions = [
  'quiesce',
  'hand_over',
  'anonymise_shared',
  'objects',
  'detach',
  'delete',
  'anonymise',
  'keep',
] as const;

/** Where the person was found again, as the database tells it. */
export const findRow = z.object({
  collection: z.string(),
  column: z.string(),
  rows: z.number(),
  kept: z.number(),
  ground: z.string().nullable(),
  because: z.string().nullable(),
  by: z.string().nullable(),
  at: z.string().nullable(),
  entry: z.number().nullable(),
});

export const outcomeRow = z.object({
  collection: z.string(),
  outcome: z.enum(['erased', 'anonymised', 'kept', 'not_found', 'failed']),
  rows: z.number(),
  because: z.string().nullable(),
  until: z.string().nullable(),
});

export function toFind(
  { collection, column, ...find }: z.output<typeof findRow>,
  collections: readonly MappedCollection[],
): ErasureFind {
  const held = collections.find((each) => each.name === collection);
  return {
    ...find,
    name: `${collection}.${column}`,
    ...(collection === 'objects'
      ? { title: 'Objects in R2', column: 'Name' }
      : {
          title: held?.title ?? collection,
          column: held?.columns.find((each) => each.name === column)?.title ?? column,
        }),
  };
}

/** Outcomes in the order of the map; what has left the map since comes last under its name. */
export function toOutcomes(
  rows: readonly z.output<typeof outcomeRow>[],
  collections: readonly MappedCollection[],
): readonly ErasureOutcome[] {
  const place = (name: string): number => {
    const found = collections.findIndex((each) => each.name === name);
    return found === -1 ? collections.length : found;
  };
  return rows
    .toSorted((a, b) => place(a.collection) - place(b.collection))
    .map(({ collection, ...outcome }) => {
      const held = collections.find((each) => each.name === collection);
      return {
        ...outcome,
        title: collection === 'objects' ? 'Objects in R2' : (held?.title ?? collection),
        where: collection === 'objects' ? 'R2' : (held?.table ?? collection),
      };
    });
}

/** A plan as the database gives it. */
export const planRow = z.object({
  id: z.number(),
  requestId: z.number(),
  subject: z.string(),
  kind: z.string(),
  controller: z.string().nullable(),
  state: z.enum(['draft', 'awaiting', 'approved', 'denied', 'running', 'done', 'expired']),
  sha256: z.string(),
  mapHash: z.string(),
  plannedBy: z.string(),
  plannedAt: z.string(),
  lines: z.array(
    z.object({
      collection: z.string(),
      action: z.enum(actions),
      rows: z.number(),
      because: z.string().nullable(),
      until: z.string().nullable(),
      atMost: z.number().nullable(),
    }),
  ),
  rate: z.number().nullable(),
  objects: z.object({ count: z.number(), bytes: z.number() }),
  decisions: z.array(
    z.object({
      key: z.string(),
      about: z.string(),
      successor: z.boolean(),
      anonymises: z.boolean(),
      chosen: z.enum(['hand_over', 'close', 'anonymise']).nullable(),
    }),
  ),
  tasks: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      owner: z.string(),
      when: z.enum(['before', 'after']),
      doneBy: z.string().nullable(),
      doneAt: z.string().nullable(),
      entry: z.number().nullable(),
    }),
  ),
  approvals: z.array(
    z.object({
      by: z.string(),
      at: z.string(),
      decision: z.enum(['approve', 'deny']),
      expiresAt: z.string(),
    }),
  ),
  approversNeeded: z.number(),
  holds: z.array(
    z.object({
      hold: z.number(),
      ground: z.string(),
      rows: z.number().nullable(),
      late: z.boolean(),
      lifted: z.boolean(),
      person: z.boolean(),
    }),
  ),
  run: z
    .object({
      id: z.number(),
      by: z.string(),
      startedAt: z.string(),
      finishedAt: z.string().nullable(),
      state: z.enum(['running', 'waiting', 'incomplete', 'cancelled', 'done']),
      dueAt: z.string(),
      finds: z.array(findRow),
      outcomes: z.array(outcomeRow),
      unlooked: z.number(),
      steps: z.array(
        z.object({
          collection: z.string(),
          action: z.enum(actions),
          planned: z.number(),
          done: z.number(),
          left: z.number().nullable(),
        }),
      ),
    })
    .nullable(),
});

const goesByRows: ReadonlySet<string> = new Set(['delete', 'anonymise', 'detach']);
/** Rows and objects a second where no run has shown another. */
const usualRate = 5_000;

/** A plan in the words of the contract, with the map's titles. */
export function toPlan(
  { rate, ...row }: z.output<typeof planRow>,
  collections: readonly MappedCollection[],
): ErasurePlan {
  const work =
    row.objects.count +
    row.lines.reduce((sum, line) => sum + (goesByRows.has(line.action) ? line.rows : 0), 0);
  const titleOf = (name: string): string => collections.find((each) => each.name === name)?.title ?? name;
  return {
    ...row,
    lines: row.lines
      // A line without rows is there for what may still come; there is nothing to read in it.
      .filter((line) => line.action !== 'objects' && line.rows > 0)
      .map((line) => ({
        collection: line.collection,
        title: titleOf(line.collection),
        action: line.action as Exclude<typeof line.action, 'objects'>,
        rows: line.rows,
        because: line.because,
        until: line.until,
        atMost: line.atMost,
      })),
    estimate: { seconds: Math.ceil(work / (rate ?? usualRate)), measured: rate !== null },
    decisions: row.decisions.map((each) => ({
      key: each.key,
      about: each.about,
      question: 'Other people work in this workspace. What happens to it?',
      options: [
        ...(each.successor
          ? [{ value: 'hand_over', title: 'Hand it over to its longest-standing member' }]
          : []),
        ...(each.anonymises
          ? [{ value: 'anonymise', title: 'Leave it to its members and replace what tells of the person' }]
          : []),
        { value: 'close', title: 'Close it and delete what is in it' },
      ],
      chosen: each.chosen,
    })),
    run:
      row.run === null
        ? null
        : {
            ...row.run,
            finds: row.run.finds.map((each) => toFind(each, collections)),
            outcomes: [...toOutcomes(row.run.outcomes, collections)],
            steps: row.run.steps
              .filter((step) => step.planned > 0 || step.done > 0 || (step.left ?? 0) > 0)
              .map((step) => ({
                name: `${step.collection}.${step.action}`,
                title: step.action === 'objects' ? 'Objects in R2' : titleOf(step.collection),
                planned: step.planned,
                done: step.done,
                left: step.left,
              })),
          },
  };
}
