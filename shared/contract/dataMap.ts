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
  columns: z.array(mappedColumn),
  /** Columns mapped `never`: held, never shown, erased. */
  never: z.array(z.string()),
  /** Whether it is charted by day. */
  series: z.object({ value: z.string(), by: z.string().nullable() }).nullable(),
  /** Where its objects lie in R2, with the column in braces, e.g. `workspaces/{id}/`. */
  objectPrefix: z.string().nullable(),
  /** What erasure does to its rows. */
  erasure: z.enum(['delete', 'anonymise', 'keep', 'detach', 'none']),
  /** The ground in law, when rows are kept. */
  keptBecause: z.string().nullable(),
  /** Things that may be done to one of its rows, e.g. ending a session. */
  actions: z.array(z.object({ name: z.string(), title: z.string() })),
});
export type MappedCollection = z.infer<typeof mappedCollection>;

/** What a drafted map leaves open, with what may be written instead. */
export const undecidedEntry = z.object({
  table: z.string(),
  column: z.string().optional(),
  about: z.string().optional(),
  reason: z.string(),
  write: z.string().optional(),
});
export type UndecidedEntry = z.infer<typeof undecidedEntry>;

/** `blocks`: no export or erasure until it is settled; `warns`: somebody should look; `notes`: seen and left alone. */
export const severities = ['blocks', 'warns', 'notes'] as const;
export type Severity = (typeof severities)[number];

/** One thing a check of the map found; holds no personal data. */
export const checkFinding = z.object({
  /** Stable name of its kind, for programs. */
  code: z.string().regex(/^[a-z]+(-[a-z]+)*$/),
  /** What it is about: `schema.table`, `schema.table.column`, a view, a login. */
  subject: z.string(),
  severity: z.enum(severities),
  /** One sentence: what it is and what to do next. */
  says: z.string(),
});
export type CheckFinding = z.infer<typeof checkFinding>;

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
    output: z.object({ hash: z.string(), collections: z.array(mappedCollection) }),
  }),
  'map.check': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'compares the data map in force with the live schema',
    input: z.strictObject({
      /** Whether values may be counted, in the server. */
      sample: z.boolean().default(true),
    }),
    output: z.object({ hash: z.string(), findings: z.array(checkFinding) }),
  }),
  'map.checkBucket': operation({
    effect: 'reveal',
    permission: ['auditor', 'admin'],
    summary: 'compares the live bucket with what rows name; keys are told by their beginning and a hash',
    input: z.strictObject({
      /** A new file for full keys, which can hold personal data; readable by its owner only. */
      keysFile: z.string().min(1).max(4_096).optional(),
    }),
    output: z.object({ jobId: z.string(), entry: z.number().int() }),
  }),
  'map.checkFile': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'compares a data map in a file with a live schema, or with a schema in a file',
    input: z.strictObject({
      /** Login to the live database; with `against`, to an empty scratch database. */
      profile: profileName.optional(),
      map: z.string().min(1).max(4_096),
      sample: z.boolean().default(true),
      /** File with a platform's schema as SQL; loaded into the scratch database, and rolled back. */
      against: z.string().min(1).max(4_096).optional(),
    }),
    output: z.object({ hash: z.string(), findings: z.array(checkFinding) }),
  }),
} as const;
