import { z } from 'zod';
import { profileName } from './connections.ts';
import { correctionFormats } from '../domain/corrections.ts';
import { dataOrigins } from '../domain/exportProfiles.ts';
import { operation, passwordAgain } from './operation.ts';

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
  /** How staff may correct it; null where they may not. */
  correct: z
    .object({
      format: z.enum(correctionFormats),
      /** It tells who somebody is, or whose other rows are. */
      identity: z.boolean(),
      nullable: z.boolean(),
      /** Characters the column takes at most; null without a limit of its own. */
      most: z.number().int().nullable(),
      copies: z.array(z.object({ collection: z.string(), column: z.string() })),
    })
    .nullable()
    .default(null),
  /** What is said of values inside a document; empty when nothing is. */
  paths: z
    .array(
      z.object({ path: z.string(), category: z.string(), mask: z.string().nullable(), never: z.boolean() }),
    )
    .default([]),
  /** What happens to values inside it that no path names; null without paths. */
  others: z.enum(['masked', 'shown']).nullable().default(null),
  /** Where it comes from; a package for portability holds nothing that is derived. */
  origin: z.enum(dataOrigins).default('observed'),
  /** Kinds of people for whom its values are about somebody else. */
  thirdParty: z.array(z.string()).default([]),
  /** Kinds of people whose own key it holds in rows of theirs, and somebody else's in others. */
  ownToo: z.array(z.string()).default([]),
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
  origin: z.enum(dataOrigins).default('observed'),
  /** The column by whose time a package of chosen things can be cut to a range; null where there is none. */
  timeColumn: z.string().nullable().default(null),
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

/** One line of what changes from one data map to another. */
const mapDifference = z.object({
  /** The platform's table it is about, `schema.table`; null for the map as a whole. */
  table: z.string().nullable(),
  collection: z.string().nullable(),
  column: z.string().nullable(),
  what: z.enum(['added', 'removed', 'changed', 'ruled out', 'no longer ruled out']),
  /** The field of the map that changes, e.g. `mask`; null when the whole of it comes or goes. */
  field: z.string().nullable(),
  /** As the map writes it; null where there is nothing. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** Whether staff can see or find more of a person by it, less, or as much. */
  exposure: z.enum(['more', 'less', 'same']),
});
export type MapDifference = z.infer<typeof mapDifference>;

const mapComparison = z.object({
  differences: z.array(mapDifference),
  /** The tables that are touched, each with the rows the server estimates. */
  tables: z.array(z.object({ table: z.string(), rows: z.number() })),
});
export type MapComparison = z.infer<typeof mapComparison>;

export const mapChange = z.object({
  id: z.number().int(),
  /** Hashes of the map it changes and of the one it proposes. */
  base: z.string(),
  hash: z.string(),
  reason: z.string(),
  proposedBy: z.string(),
  proposedAt: z.string(),
  state: z.enum(['waiting', 'approved', 'denied', 'superseded', 'adopted', 'expired']),
  decision: z
    .object({ by: z.string(), at: z.string(), reason: z.string(), expiresAt: z.string() })
    .nullable(),
  adoptedAt: z.string().nullable(),
});
export type MapChange = z.infer<typeof mapChange>;

const changeNumber = z.number().int().positive();
/** A column as the map explains it. */
export const explainedColumn = z.object({
  name: z.string(),
  title: z.string(),
  category: z.string(),
  /** How the value is masked; null when it is shown as it is, or never. */
  mask: z.string().nullable(),
  never: z.boolean(),
  correctable: z.boolean(),
  /** What erasure does to it, in words. */
  action: z.string(),
  /** What the map says of it and why, in words. */
  reasons: z.array(z.string()),
});

/** A collection as the map explains it. */
export const explainedCollection = z.object({
  name: z.string(),
  title: z.string(),
  table: z.string(),
  group: z.string(),
  erasure: z.enum(['delete', 'anonymise', 'keep', 'none']),
  /** What erasure does to its rows, in words. */
  erasureSays: z.string(),
  /** The family of categories it is coloured by: the most telling of its columns that are ever shown. */
  family: z.string(),
  /** How its rows belong to the subject, numbered as `subjects.reached` counts them. */
  paths: z.array(z.object({ number: z.number().int(), says: z.string() })),
  columns: z.array(explainedColumn),
});
export type ExplainedCollection = z.infer<typeof explainedCollection>;

/** The map as a graph that is laid out; lengths in pixels. */
export const mapPicture = z.object({
  width: z.number(),
  height: z.number(),
  nodes: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      table: z.string(),
      /** Columns in words, e.g. `9 columns, 1 secret`. */
      about: z.string(),
      subject: z.boolean(),
      erasure: explainedCollection.shape.erasure,
      family: z.string(),
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
    }),
  ),
  edges: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      /** Number of the path; null for columns that are only set to null at erasure. */
      number: z.number().int().nullable(),
      /** The path in words: columns → key. */
      says: z.string(),
      /** The same, short enough to stand beside the line. */
      label: z.string(),
      /** Whether the row stays and its column is set to null. */
      detached: z.boolean(),
      /** What an SVG path draws. */
      line: z.string(),
      labelX: z.number(),
      labelY: z.number(),
    }),
  ),
});
export type MapPicture = z.infer<typeof mapPicture>;

/** One activity of the record of processing; null and empty where the map doesn't say. */
export const inventoryEntry = z.object({
  collection: z.string(),
  activity: z.string(),
  purpose: z.string().nullable(),
  /** Categories of the people its rows are about. */
  people: z.string(),
  categories: z.array(z.string()),
  storage: z.array(z.string()),
  retention: z.string().nullable(),
  /** Null where nothing is said; empty where it is said that there are none. */
  recipients: z.array(z.string()).nullable(),
  erasure: z.string(),
  /** Ground in law on which erasure keeps its rows. */
  ground: z.string().nullable(),
});
export type InventoryEntry = z.infer<typeof inventoryEntry>;

export const inventoryFormats = ['csv', 'md', 'json'] as const;

/** A map's text, and how errors name it. */
const mapText = z.strictObject({ file: z.string().max(4_096), text: z.string().max(20_000_000) });
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
  'map.compare': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'says what a data map would change, and refuses one the live database doesn’t fit',
    input: mapText,
    output: mapComparison.extend({ base: z.string(), hash: z.string() }),
  }),
  'map.propose': operation({
    effect: 'write',
    permission: ['admin'],
    summary: 'proposes a change of the data map to a second person',
    input: mapText.extend({
      /** Hash of the map it was compared with. */
      base: z.string().length(64),
      reason: z.string().trim().min(3).max(2_000),
    }),
    output: z.object({ change: mapChange, entry: z.number().int() }),
  }),
  'map.gaps': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'checks the whole map against the database, and names what it doesn’t cover now',
    input: z.strictObject({}),
    output: z.object({
      /** Each as the database names it, e.g. `unmapped table crm.leads`. */
      gaps: z.array(z.string()),
    }),
  }),
  'map.changes': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists changes of the data map, newest first',
    input: z.strictObject({}),
    output: z.object({ changes: z.array(mapChange) }),
  }),
  'map.change': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows a change of the data map, with what it comes to',
    input: z.strictObject({ change: changeNumber }),
    output: mapComparison.extend({ change: mapChange }),
  }),
  'map.decide': operation({
    effect: 'write',
    permission: ['admin', 'approver'],
    summary: 'approves or denies another person’s change of the data map',
    input: z.strictObject({
      change: changeNumber,
      /** Of the change as read. */
      hash: z.string().length(64),
      decision: z.enum(['approve', 'deny']),
      reason: z.string().trim().min(3).max(2_000),
      password: passwordAgain,
    }),
    output: z.object({ change: mapChange, entry: z.number().int() }),
  }),
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
  'map.explain': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'explains a data map, the one in force unless given another: paths, columns, what erasure does',
    input: z.strictObject({
      map: mapText.optional(),
      /** Gives the explanation as one text as well. */
      drawn: z.enum(['text', 'dot', 'svg']).optional(),
    }),
    output: z.object({
      hash: z.string(),
      policy: z.string(),
      /** The kinds of people the map is about, each with the number of collections that hold rows of theirs. */
      subjects: z.array(
        z.object({
          kind: z.string(),
          title: z.string(),
          controller: z.string().nullable(),
          collections: z.number(),
        }),
      ),
      collections: z.array(explainedCollection),
      picture: mapPicture,
      drawn: z.string().nullable(),
    }),
  }),
  'map.inventory': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'gives the record of processing that a data map comes to, the one in force unless given another',
    input: z.strictObject({ map: mapText.optional(), format: z.enum(inventoryFormats).optional() }),
    output: z.object({
      /** What holds for all activities, by name, null where the map doesn’t say. */
      record: z.array(z.object({ what: z.string(), says: z.string().nullable() })),
      entries: z.array(inventoryEntry),
      /** What the map doesn’t state. */
      notes: z.array(z.string()),
      /** The record in the format asked for. */
      text: z.string().nullable(),
    }),
  }),
  'map.saveInventory': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'writes the record of processing of the map in force to a new file',
    input: z.strictObject({ format: z.enum(inventoryFormats), file: z.string().min(1).max(4_000) }),
    output: z.object({ file: z.string(), notes: z.array(z.string()) }),
  }),
  'map.importFides': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'reads Fides dataset files into a data map; needs no database',
    input: z.strictObject({
      files: z.array(mapText).min(1).max(200),
      /** Schema of tables whose dataset names none. */
      schema: z.string().min(1).max(63).default('public'),
    }),
    output: z.object({
      text: z.string(),
      subject: z.string(),
      collections: z.number().int(),
      columns: z.number().int(),
      ignored: z.number().int(),
      /** What could not be carried over. */
      notes: z.array(z.string()),
      undecided: z.array(undecidedEntry),
    }),
  }),
  'map.exportFides': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'writes a data map, the one in force unless given another, as Fides datasets',
    input: z.strictObject({ map: mapText.optional() }),
    output: z.object({ text: z.string(), notes: z.array(z.string()) }),
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
