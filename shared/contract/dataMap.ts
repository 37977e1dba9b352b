import { z } from 'zod';
import { profileName } from './connections.ts';
import { operation } from './operation.ts';

export const columnKinds = [
  'text',
  'time',
  'date',
  'integer',
  'number',
  'boolean',
  'json',
  'list',
  'bytes',
] as const;

export const mappedColumn = z.object({
  name: z.string(),
  title: z.string(),
  category: z.string(),
  kind: z.enum(columnKinds),
  /** How the value is masked, `paths` when by what lies in it; null when it is shown as it is. */
  mask: z.string().nullable(),
  correctable: z.boolean(),
  /** What is said of values inside a document; empty when nothing is. */
  paths: z
    .array(
      z.object({ path: z.string(), category: z.string(), mask: z.string().nullable(), never: z.boolean() }),
    )
    .default([]),
  /** What happens to values inside it that no path names; null without paths. */
  others: z.enum(['masked', 'shown']).nullable().default(null),
});
export type MappedColumn = z.infer<typeof mappedColumn>;

export const mappedCollection = z.object({
  name: z.string(),
  table: z.string(),
  title: z.string(),
  /** The tab it belongs to, by the policy's categories. */
  group: z.string(),
  /** The kinds of people whose rows it holds. */
  kinds: z.array(z.string()),
  columns: z.array(mappedColumn),
  /** Columns mapped `never`: held, never shown, erased. */
  never: z.array(z.string()),
  /** Whether it is charted by day. */
  series: z.object({ value: z.string(), by: z.string().nullable() }).nullable(),
  /** Where its objects lie in R2, with the column in braces, e.g. `workspaces/{id}/`. */
  objectPrefix: z.string().nullable(),
  /** What erasure does to its rows, of the first of its kinds. */
  erasure: z.enum(['delete', 'anonymise', 'keep', 'detach', 'none']),
  /** The ground in law, when rows are kept. */
  keptBecause: z.string().nullable(),
  /** Things that may be done to one of its rows, e.g. ending a session. */
  actions: z.array(z.object({ name: z.string(), title: z.string() })),
});
export type MappedCollection = z.infer<typeof mappedCollection>;

/** A kind of people the map is about. */
export const mappedSubject = z.object({
  kind: z.string(),
  title: z.string(),
  /** Who else decides about such people's data, in a sentence; null when it is us. */
  controller: z.string().nullable(),
  /** The collection whose rows they are; null where a value such as a phone number tells them. */
  collection: z.string().nullable(),
  /** What names of the kind's functions and views end in. */
  suffix: z.string(),
});
export type MappedSubject = z.infer<typeof mappedSubject>;

/** What a drafted map leaves open, with what may be written instead. */
export const undecidedEntry = z.object({
  table: z.string(),
  column: z.string().optional(),
  about: z.string().optional(),
  reason: z.string(),
  write: z.string().optional(),
});
export type UndecidedEntry = z.infer<typeof undecidedEntry>;

export const dataMap = {
  'map.draft': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'drafts a data map from the live database; needs no installation',
    input: z.strictObject({
      profile: profileName,
      /** Table whose rows are the people; proposed unless given. */
      subject: z.string().min(1).max(200).optional(),
      /** Whether values may be counted, in the server. */
      sample: z.boolean().default(true),
      /** An existing map, to which only what is new is added. */
      merge: z.strictObject({ file: z.string().max(4_096), text: z.string().max(20_000_000) }).optional(),
    }),
    output: z.object({
      /** The map, as YAML. */
      text: z.string(),
      subject: z.string(),
      collections: z.number().int(),
      columns: z.number().int(),
      ignored: z.number().int(),
      undecided: z.array(undecidedEntry),
      /** Seen and left alone: views, foreign tables, triggers. */
      reported: z.array(z.string()),
      /** What a merge added, and what it found gone. */
      added: z.array(z.string()),
      gone: z.array(z.string()),
    }),
  }),
  'map.show': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows the data map in force',
    input: z.strictObject({}),
    output: z.object({
      hash: z.string(),
      subjects: z.array(mappedSubject),
      collections: z.array(mappedCollection),
    }),
  }),
  'map.check': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'compares the data map with the live schema',
    input: z.strictObject({}),
    output: z.object({
      findings: z.array(z.object({ what: z.string(), detail: z.string(), blocks: z.boolean() })),
    }),
  }),
} as const;
